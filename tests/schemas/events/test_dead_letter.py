"""A dead letter has one form wherever it is made; those that fail alike have one fingerprint."""

import pytest

from schemas.events.dead_letter import (
    PAYLOAD_BYTES_MAX,
    Cause,
    Lineage,
    Sender,
    Stage,
    dead_letter,
    fingerprint,
    sendable_letter,
)
from schemas.events.reasons import Reason
from schemas.wire.codec import decode, encode_dead_letter

SENDER = Sender("main", "shop", "m1", 1_700_000_000_000)


def cause(detail: str, stage: Stage = Stage.RESOLVE, reason: Reason = Reason.INVALID_JSON) -> Cause:
    return Cause(stage, reason, detail)


@pytest.mark.parametrize("stage", list(Stage))
def test_letters_that_fail_alike_share_a_fingerprint_in_every_stage(stage: Stage) -> None:
    one, two, other = (fingerprint(cause(text, stage)) for text in ("byte 7", "byte 21", "truncated"))
    assert one == two != other


def test_stage_and_reason_tell_letters_apart() -> None:
    prints = {
        fingerprint(cause("x", stage, reason))
        for stage in Stage
        for reason in (Reason.WRONG_TYPE, Reason.REFUSED_ROW)
    }
    assert len(prints) == 2 * len(Stage)


def test_a_letter_that_is_not_about_an_event_of_the_raw_topic_points_nowhere() -> None:
    letter = decode(encode_dead_letter(dead_letter(cause("x"), SENDER, b"p")))
    assert [letter[name] for name in ("raw_partition", "raw_offset", "raw_index")] == [-1, -1, -1]


def test_a_letter_says_where_its_event_stood() -> None:
    letter = decode(encode_dead_letter(dead_letter(cause("x"), SENDER, b"p", Lineage(3, 10, 2))))
    assert [letter[name] for name in ("raw_partition", "raw_offset", "raw_index")] == [3, 10, 2]
    assert (letter["workspace"], letter["source"], letter["message_id"]) == ("main", "shop", "m1")


def test_a_payload_that_kafka_would_refuse_is_cut_and_says_so_without_another_fingerprint() -> None:
    long, short = (sendable_letter(cause("x"), SENDER, b"p" * size) for size in (PAYLOAD_BYTES_MAX + 5, 3))
    assert long["payload"] == b"p" * PAYLOAD_BYTES_MAX
    assert long["detail"] == f"x; payload cut from {PAYLOAD_BYTES_MAX + 5} bytes"
    assert short["detail"] == "x"
    assert long["fingerprint"] == short["fingerprint"]
