"""Where the write key may stand, and what is told when the body that may hold it cannot be read."""

import gzip
import json
import tracemalloc

import pytest

from collector.credentials import key_in_header
from schemas.control import ControlState
from schemas.wire.codec import decode
from tests.collector.test_intake import A, basic, take


@pytest.mark.parametrize(
    "more",
    [
        {"authorization": basic("good")},
        {"authorization": "bearer good "},
        {"authorization": "", "query": "a=b&writeKey=good"},
    ],
)
def test_the_key_may_stand_in_header_or_query(more) -> None:
    assert take("/v1/track", A, **more).reply.status == 200


def test_the_key_may_stand_in_the_body_and_a_key_in_the_header_wins() -> None:
    assert take("/v1/track", {**A, "writeKey": "good"}, authorization="").reply.status == 200
    assert take("/v1/b", {"batch": [], "writeKey": "good"}, authorization="").reply.status == 200
    assert take("/v1/track", {**A, "writeKey": "bad"}).reply.status == 200


@pytest.mark.parametrize("path", ["/v1/page", "/v1/batch"])
@pytest.mark.parametrize(
    "body",
    [
        rb'{"writeKey":"good","properties":{"title":"caf\ud83d"},"batch":[]}',
        rb'{"batch":[{"type":"page","name":"\uDE00"}],"context":{"title":"\ud83d"},"writeKey":"good"}',
        rb'{"\ud83d":1,"batch":[],"writeKey":"good"}',
    ],
)
def test_half_a_character_does_not_hide_the_key_that_stands_beside_it(path: str, body: bytes) -> None:
    assert take(path, body, authorization="").reply.status == 200
    assert take(path, gzip.compress(body, mtime=0), authorization="").reply.status == 200


UNREADABLE = [
    # body -> status, code, with `"writeKey":"good"` somewhere in it
    (b'{"writeKey":"good","properties":{"a":1}', 400, "invalid_json"),
    (b'{"properties":{"a":1},"writeKey":"good"', 400, "invalid_json"),
    (b'{"properties":{"a":nan},"batch":[nan],"writeKey":"good"}', 400, "invalid_json"),
    (b'{"properties":{"a":"\xff"},"batch":[],"context":{"a":"\xff"},"writeKey":"good"}', 400, "invalid_json"),
    (b'{"writeKey":"go\xffod","batch":[]}', 400, "invalid_json"),
    (gzip.compress(b'{"writeKey":"good"}', mtime=0)[:-3], 400, "bad_encoding"),
    (gzip.compress(b'{"writeKey":"good"}' + b" " * 20_000, mtime=0), 413, "body_too_large"),
]


@pytest.mark.parametrize("path", ["/v1/page", "/v1/batch"])
@pytest.mark.parametrize(("body", "status", "code"), UNREADABLE)
def test_a_body_that_cannot_be_read_is_no_missing_key(path: str, body: bytes, status: int, code: str) -> None:
    for more in ({"authorization": ""}, {"authorization": "", "query": "writeKey=good"}, {}):
        intake = take(path, body, **more)
        assert (intake.reply.status, json.loads(intake.reply.body)["code"]) == (status, code)
        assert not intake.events
    assert take(path, body, authorization="Bearer bad").reply.status == 401


def test_a_whole_body_that_is_refused_is_kept_as_it_was_received() -> None:
    body = rb'{"type":"purchase","name":"\ud83d","writeKey":"good"}'
    (letter,) = take("/v1/track", body, authorization="").letters
    assert decode(letter.value)["payload"] == body


def test_strangers_keys_do_not_fill_the_memory() -> None:
    state, size, number = ControlState(), 500_000, 20
    tracemalloc.start()
    try:
        for place in range(number):
            key = f"{place}" + "k" * size
            for authorization in (f"Bearer {key}", basic(key)):
                assert key_in_header(authorization) == key
            assert state.source_of(key) is None
        del key, authorization
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < size * number / 4
