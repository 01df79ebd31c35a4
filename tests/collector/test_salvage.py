"""A batch with something in it that is no JSON: the rest of it is kept."""

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.salvage import TOKENS_MAX, Parts, take_apart
from schemas.wire.codec import decode
from tests.collector.test_intake import basic, take
from tests.collector.test_intake_properties import JSON

GOOD = b'{"type":"page","anonymousId":"a","messageId":"good"}'

SPOILT = [
    b'{"type":"track","userId":"u","properties":{"price":NaN}}',
    b'{"type":"track","userId":"u","properties":{"price":-Infinity,"a":[1]}}',
    b'{"type":"track","userId":"u","event":"a\x00b"}',
    b'{"type":"track","userId":"u","event":"line\nbreak"}',
    b'{"type":"track","userId":"u",}',
    b"{'type':'track'}",
    b'{"type":"track" "userId":"u"}',
    b"undefined",
    b"",
    b'{"a":"\\x"}',
    b'{"a":01}',
    b'{"a":[1,,2]}',
]


@pytest.mark.parametrize("spoilt", SPOILT)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_event_that_is_no_json_costs_the_others_nothing(spoilt: bytes, place: int) -> None:
    events = [GOOD, GOOD]
    events.insert(place, spoilt)
    body = (
        b'{"context":{"ip":"192.0.2.1"},"batch":['
        + b" , ".join(events)
        + b'],"sentAt":"2026-01-02T03:04:05Z","writeKey":"good"}'
    )
    for sent, more in ((body, {"authorization": ""}), (gzip.compress(body, mtime=0), {})):
        intake = take("/v1/batch", sent, **more)
        assert intake.reply.status == 200
        assert [event.payload for event in intake.events] == [GOOD, GOOD]
        assert {(event.sent_at, event.context) for event in intake.events} == {
            ("2026-01-02T03:04:05Z", b'{"ip":"192.0.2.1"}')
        }
        (letter,) = [decode(letter.value) for letter in intake.letters]
        assert (letter["reason"], letter["payload"]) == ("invalid_json", spoilt)
        assert letter["detail"].startswith(f"batch[{place}]: ")


def test_an_event_nested_too_deeply_costs_the_others_nothing() -> None:
    body = (
        b'{"batch":['
        + b",".join([GOOD, b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}", GOOD])
        + b'],"writeKey":"good"}'
    )
    intake = take("/v1/batch", body, authorization="")
    assert [event.payload for event in intake.events] == [GOOD, GOOD]
    assert [letter.reason.value for letter in intake.letters] == ["event_too_large"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"batch":[' + GOOD + b",nan",
        b'{"batch":[' + GOOD + b",nan]",
        b'{"batch":[' + GOOD + b",nan}]",
        b'{"batch":[' + GOOD + b',{"a":"b]}',
        b'{"batch":[' + GOOD + b",nan]}}",
        b'[{"batch":[' + GOOD + b",nan]}]",
        b'{"a":{"batch":[nan,' + GOOD + b"]}}",
        b'{"batch":[' + GOOD + b'],"context":nan}',
        b'{"batch":nan}',
        b'{"batch":{"a":nan}}',
        b'{"batch" [nan]}',
        b"",
        b"nan",
    ],
)
def test_what_has_no_certain_end_is_refused_as_a_whole(body: bytes) -> None:
    intake = take("/v1/batch", body)
    assert intake.reply.status == 400
    assert not intake.events
    assert len(intake.letters) == bool(body)


def test_a_body_of_nothing_but_brackets_is_not_followed_for_long() -> None:
    assert take_apart(b'{"batch":[' + b"[" * (TOKENS_MAX // 2 - 5) + b"]" * (TOKENS_MAX // 2 - 5) + b"]}")
    assert take_apart(b'{"batch":[' + b"[" * (TOKENS_MAX // 2) + b"]" * (TOKENS_MAX // 2) + b"]}") is None


def test_what_stands_within_events_is_not_followed() -> None:
    event = b'{"a":"' + b"," * 100 + b'","b":["batch",' + b'"x",' * TOKENS_MAX + b"nan]}"
    parts = take_apart(b'{"batch":[' + event + b"," + GOOD + b"]}")
    assert parts
    assert parts.events == [event, GOOD]
    assert take_apart(b'{"batch":[' + b"," * TOKENS_MAX + b"]}") is None


def test_the_last_of_several_batches_counts_as_ever() -> None:
    for spoil in (b"", b",nan"):
        intake = take("/v1/batch", b'{"batch":[{}],"batch" : [' + GOOD + spoil + b"]}")
        assert [event.payload for event in intake.events] == [GOOD]


def test_a_deep_body_without_a_batch_is_refused_not_a_crash() -> None:
    for body in (b"[" * 19_000, b'{"batch":' * 2_000, b'{"batch":[' + b"[" * 9_000 + b"]" * 9_000):
        assert take("/v1/batch", body).reply.status == 400


ODD = st.sampled_from(['"', "\\", "]", "}", '{"batch":[', '\\"']) | JSON
TOP = st.dictionaries(st.text(max_size=3), ODD, max_size=3)


@settings(max_examples=60)
@given(before=TOP, events=st.lists(ODD, max_size=4), after=TOP, indent=st.sampled_from([None, 1]))
def test_what_can_be_read_is_taken_apart_as_the_decoder_would(before, events, after, indent) -> None:
    document = before | {"batch": events} | after
    parts = take_apart(json.dumps(document, indent=indent).encode())
    assert isinstance(parts, Parts)
    assert [json.loads(event) for event in parts.events] == events
    assert json.loads(parts.head) == document | {"batch": []}


@given(st.binary() | st.text(alphabet='{}[],":\\ batchn').map(lambda text: b'{"batch":[' + text.encode()))
def test_any_bytes_are_taken_apart_or_not(body: bytes) -> None:
    parts = take_apart(body)
    assert parts is None or all(event in body for event in parts.events)


def test_a_key_in_the_header_is_enough() -> None:
    assert take("/v1/batch", b'{"batch":[nan]}', authorization=basic("good")).reply.status == 200
