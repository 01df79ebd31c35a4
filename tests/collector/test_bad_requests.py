"""Bad requests over the core: a clear error, and a dead letter whenever there is somebody and something to keep it for."""

import itertools
import json

import msgspec
import pytest

from collector.exchange import Intake, Request
from collector.intake import accept
from collector.limits import Limits
from collector.replies import Reply
from processors.resolver.resolve import Resolver
from schemas.events.pack import encode_pack
from schemas.sources.sources import Source
from schemas.stream import InputRecord
from schemas.topics import EVENTS_DEAD, EVENTS_RESOLVED
from schemas.wire.codec import decode
from tests.collector.bad_requests import BAD_REQUESTS, BATCH_EVENTS_MAX, BODY_BYTES_MAX, Bad
from tests.collector.test_intake import basic
from tests.odd_events import EITHER, EVENT_BYTES_MAX, ODD_EVENTS, STORED, Odd, batch

NOW = 1_780_000_000_000
SHOP = Source(id="shop", write_key_hashes=[], unsigned_links=True)
LIMITS = Limits(
    event_bytes_max=EVENT_BYTES_MAX,
    body_bytes_max=BODY_BYTES_MAX,
    batch_events_max=BATCH_EVENTS_MAX,
    shared_bytes_max=10_000_000,
)


def take(request: Request, limits: Limits = LIMITS) -> Intake:
    made = (f"made-{number}" for number in itertools.count())
    return accept(request, now=NOW, ids=made, sources={"good": SHOP}.get, limits=limits)


def code_of(reply: Reply) -> str:
    answer = json.loads(reply.body)
    assert answer["message"]
    return str(answer["code"])


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: bad.name)
def test_a_bad_request_is_answered_clearly_and_kept(bad: Bad) -> None:
    request = Request(
        method=bad.method,
        path=bad.path,
        query=bad.query,
        authorization=basic(bad.key) if bad.key else "",
        content_encoding=bad.encoding,
        body=bad.body,
    )
    intake = take(request)
    assert (intake.reply.status, code_of(intake.reply)) == (bad.status, bad.code)
    assert not intake.events
    letters = [decode(letter.value) for letter in intake.letters]
    assert [letter["reason"] for letter in letters] == [bad.code] * bad.kept


def fate_of(odd: Odd) -> str:
    """At the door, then in the resolver."""
    limits = msgspec.structs.replace(LIMITS, body_bytes_max=1_000_000)
    intake = take(Request(method="POST", path="/v1/batch", query="writeKey=good", body=batch([odd])), limits)
    assert intake.reply.status == 200
    assert len(intake.events) + len(intake.letters) == 1
    if intake.letters:
        return intake.letters[0].reason.value
    resolve = Resolver(
        hash_key=bytes(16), partitions=4, duplicate_window_days=7, duplicate_ids_per_key_max=1_000
    )
    outputs = resolve(0, [InputRecord(0, NOW, None, encode_pack(intake.events))], {})
    if any(record.topic == EVENTS_RESOLVED.name for record in outputs):
        return STORED
    (letter,) = [decode(record.value or b"") for record in outputs if record.topic == EVENTS_DEAD.name]
    return str(letter["reason"])


@pytest.mark.parametrize("odd", ODD_EVENTS, ids=lambda odd: odd.name)
def test_an_odd_event_is_stored_or_has_a_letter_that_says_why(odd: Odd) -> None:
    assert fate_of(odd) in ({STORED, "invalid_json"} if odd.fate == EITHER else {odd.fate})


def test_odd_events_of_one_batch_do_not_touch_each_other() -> None:
    small = [odd for odd in ODD_EVENTS if len(odd.payload) < 2_000]
    intake = take(Request(method="POST", path="/v1/batch", query="writeKey=good", body=batch(small)))
    assert len(intake.events) + len(intake.letters) == len(small) > 100
    kept = sorted(
        [event.payload for event in intake.events]
        + [decode(letter.value)["payload"] for letter in intake.letters]
    )
    assert len(kept) == len(small)
