"""The resolved event: every field of the public record."""

import io
import json
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.events.mentions import mentions
from processors.events.parsed import ParsedEvent, parse
from processors.resolver.resolved import TITLE_CHARS_MAX, Origin, Whose, resolved_event
from schemas.events.dead_letter import Lineage
from schemas.events.pack import PackedEvent
from schemas.identity.identifiers import node_id, profile_id, profile_key
from schemas.wire.codec import DEFINITIONS, RESOLVED_EVENT, body_of, decode
from schemas.wire.stamps import NO_STAMPS, Stamps, Touch
from tests.processors.driver import HASH_KEY, RECEIVED, email_key, ms, packed


def resolved(event: PackedEvent) -> dict[str, Any]:
    """The record as a reader of the topic gets it."""
    return decode(written(event, NO_STAMPS))


def written(event: PackedEvent, stamps: Stamps) -> bytes:
    parsed = parse(event)
    assert isinstance(parsed, ParsedEvent)
    about = mentions(parsed, event.message_id)
    assert about
    nodes = [node_id(found.node, HASH_KEY) for found in (*about.stated, *about.claimed)]
    subject = node_id(about.subject, HASH_KEY)
    whose = Whose(subject, nodes, profile_key(subject), str(parsed.call.previous_id or ""))
    return resolved_event(parsed, about, Origin(event.message_id, Lineage(2, 10, 1), 7), whose, stamps)


PARTS = (
    *("visitor", "touch", "visit", "device", "place", "meaning", "commerce", "items"),
    *("clock_offset_ms", "consent", "bot"),
)  # what enrichment says has tests of its own

CALL = {
    "type": "identify",
    "messageId": "m1",
    "userId": "ann",
    "anonymousId": "d1",
    "timestamp": "2024-05-05T08:00:00.250Z",
    "sentAt": "2024-05-05T08:00:01Z",
    "traits": {"email": "Ann@X.io", "visits": 1.50},
    "context": {"ip": "10.0.0.1"},
    "integrations": {"All": True},
    "colour": "kept",
}


def test_a_resolved_event_says_all_that_the_call_said():
    event = resolved(packed(CALL))
    times = {
        name: ms(event.pop(name)) for name in ("timestamp", "received_at", "sent_at", "original_timestamp")
    }
    envelope = event.pop("envelope")
    user, device = node_id(b"main|u:ann", HASH_KEY), node_id(b"main|a:d1", HASH_KEY)
    assert json.loads(envelope) == CALL
    assert times == {
        "timestamp": RECEIVED - 750,
        "received_at": RECEIVED,
        "sent_at": 1_714_896_001_000,
        "original_timestamp": 1_714_896_000_250,
    }
    for part in PARTS:
        del event[part]
    assert event == {
        "workspace": "main",
        "source": "shop",
        "message_id": "m1",
        "type": "identify",
        "event": "",
        "name": "",
        "anonymous_id": "d1",
        "user_id": "ann",
        "previous_id": "",
        "group_id": "",
        "subject": user,
        "profile_id": profile_id(user),
        "session_id": "",
        "traits": '{"email":"Ann@X.io","visits":1.5}',
        "properties": "{}",
        "context": '{"ip":"10.0.0.1"}',
        "integrations": '{"All":true}',
        "identifiers": [
            {"node": user, "kind": "u", "value": "ann"},
            {"node": node_id(email_key("ann@x.io"), HASH_KEY), "kind": "e", "value": "ann@x.io"},
            {"node": device, "kind": "a", "value": "d1"},
        ],
        "claimed": [],
        "raw_partition": 2,
        "raw_offset": 10,
        "raw_index": 1,
    }


def field(name: str, call: dict[str, Any], **fields: Any) -> Any:
    return resolved(packed({"anonymousId": "d1", "messageId": "m"} | call, **fields))[name]


FIELDS = [
    ("a track's name", "event", {"type": "track", "event": "Cart Viewed", "name": "x"}, "Cart Viewed"),
    ("a page has no event", "event", {"type": "page", "event": "x", "name": "Cart"}, ""),
    ("a page's name", "name", {"type": "page", "name": "Cart"}, "Cart"),
    ("a track has no name", "name", {"type": "track", "event": "x", "name": "Cart"}, ""),
    ("a group id that is a number", "group_id", {"type": "group", "groupId": 7.0}, "7"),
    ("properties that are a list", "properties", {"type": "track", "properties": [1]}, "{}"),
    ("context that is text", "context", {"type": "track", "context": "x"}, "{}"),
    ("traits in the context", "traits", {"type": "identify", "context": {"traits": {"a": 1}}}, '{"a":1}'),
    (
        "empty traits beside them",
        "traits",
        {"type": "identify", "traits": {}, "context": {"traits": {"a": 1}}},
        '{"a":1}',
    ),
    (
        "a track's context traits are not the event's",
        "traits",
        {"type": "track", "context": {"traits": {"a": 1}}},
        "{}",
    ),
    ("a group's traits", "traits", {"type": "group", "traits": {"a": 1}}, '{"a":1}'),
    ("a blocked user id is no user id", "user_id", {"type": "track", "userId": "undefined"}, ""),
]


@pytest.mark.parametrize(("sentence", "name", "call", "expected"), FIELDS, ids=[line[0] for line in FIELDS])
def test_fields_of_a_resolved_event(sentence, name, call, expected):
    assert field(name, call) == expected


def test_the_batchs_context_is_the_events_when_it_has_none():
    shared = b' {"library": {"name": "x"}} '
    assert json.loads(field("context", {"type": "track"}, context=shared)) == {"library": {"name": "x"}}
    assert field("context", {"type": "track", "context": {"a": 1}}, context=shared) == '{"a":1}'


def test_what_a_pages_address_claims_is_told_apart_and_a_hash_has_no_value():
    address_hash = "5e" * 32
    page = {"url": f"https://x.io/?eh={address_hash}&ecid=c1"}
    event = resolved(
        packed({"type": "page", "anonymousId": "d1", "messageId": "m", "context": {"page": page}})
    )
    nodes = [b"main|a:d1", b"main|x:contact_id:c1", f"main|e:{address_hash}".encode()]
    device, contact, address = (node_id(node, HASH_KEY) for node in nodes)
    assert event["identifiers"] == [
        {"node": device, "kind": "a", "value": "d1"},
        {"node": contact, "kind": "x", "value": "contact_id:c1"},
        {"node": address, "kind": "e", "value": ""},
    ]
    assert event["claimed"] == [contact, address]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 2**40)
    | st.floats(allow_nan=False)
    | st.text(max_size=TITLE_CHARS_MAX + 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
SCALARS = st.none() | st.text(max_size=200) | st.integers(0, 2**40) | st.booleans()
CALLS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["identify", "track", "page", "screen", "group", "alias"]),
        "anonymousId": st.just("d1"),
    },
    optional={
        **dict.fromkeys(["userId", "previousId", "groupId", "event", "name", "timestamp", "sentAt"], SCALARS),
        **dict.fromkeys(["traits", "properties", "context", "integrations"], JSON),
    },
)
SCHEMA = fastavro.parse_schema(DEFINITIONS[RESOLVED_EVENT])


@given(CALLS, st.builds(Stamps, session_id=st.text(max_size=9), visitor=st.integers(0, 2**63 - 1)))
@settings(max_examples=200, deadline=None)
def test_the_bytes_are_those_that_the_schema_writes_of_what_they_say(
    call: dict[str, Any], stamps: Stamps
) -> None:
    value = written(packed(call | {"messageId": "m1"}), stamps)
    again = io.BytesIO()
    fastavro.schemaless_writer(again, SCHEMA, decode(value))
    assert body_of(value) == again.getvalue()


def test_what_enrichment_says_is_on_the_event() -> None:
    event = packed({"type": "page", "anonymousId": "d1", "messageId": "m1"})
    stamped = decode(written(event, Stamps(session_id="s1", touch=Touch(source="mail"), clock_offset_ms=-5)))
    assert (stamped["session_id"], stamped["touch"]["source"]) == ("s1", "mail")
    assert stamped["clock_offset_ms"] == -5
