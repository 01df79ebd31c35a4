"""What identity keeps, in bytes, with ids as clients make them; and that what is known costs nothing."""

from typing import Any

import pytest

from processors.identity.identity import PREFIX
from processors.identity.known import PREFIX as KNOWN
from processors.identity.node_state import STAMPS_MAX
from schemas.identity.identifiers import node_id, node_key
from tests.processors.driver import HASH_KEY, Pipeline, email_key, kept, packed

DEVICE = "6f1c1c5e-7a37-4d5a-9d6b-0123456789ab"
NUMBERED, UUID, ADDRESS = "user-123456", "018f4c5e-7a37-7d5a-9d6b-0123456789ab", "ann.smith@example.com"
ANONYMOUS_BYTES_MAX = 300  # of node state, without stamps


def call(minute: int, **fields: Any) -> dict[str, Any]:
    """A track call of the device unless `fields` say otherwise; `email` stands where such calls have it."""
    email = fields.pop("email", None)
    traits = {"context": {"traits": {"email": email}}} if email else {}
    known = {"type": "track", "event": "Product Viewed", "messageId": f"m{minute}", "anonymousId": DEVICE}
    return known | {"timestamp": f"2024-05-05T10:{minute:02}:00.123Z"} | traits | fields


def after(*calls: dict[str, Any]) -> Pipeline:
    return Pipeline(4).send(packed(one) for one in calls)


def values(pipeline: Pipeline, topic: str, prefix: bytes) -> dict[bytes, int]:
    """Bytes of the values with this prefix, by key."""
    return {
        key: len(value)
        for (of, _), state in pipeline.states.items()
        if of == topic
        for key, value in (kept(state, prefix) if prefix == KNOWN else state).items()
        if key.startswith(prefix)
    }


def node_bytes(pipeline: Pipeline, node: bytes) -> int:
    key = PREFIX + node_id(node, HASH_KEY).to_bytes(8, "big")
    return values(pipeline, "identity.facts", PREFIX)[key]


SIZES: list[tuple[str, list[dict[str, Any]], int]] = [
    ("one user", [call(1, userId=NUMBERED)], 105),
    ("one user whose id is a UUID", [call(1, userId=UUID)], 130),
    ("one e-mail", [call(1, email=ADDRESS)], 160),
    ("a user and an e-mail that were stated together", [call(1, userId=UUID, email=ADDRESS)], 130),
    ("an e-mail, then a user", [call(1, email=ADDRESS), call(2, userId=NUMBERED)], 225),
    ("an e-mail, then a user whose id is a UUID", [call(1, email=ADDRESS), call(2, userId=UUID)], 255),
    ("two users", [call(1, userId=NUMBERED), call(2, userId=UUID)], 180),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "calls", "limit"), SIZES, ids=[size[0] for size in SIZES])
def test_an_anonymous_id_keeps_few_bytes(sentence, calls, limit):
    size = node_bytes(after(*calls), node_key("main", "a", DEVICE))
    assert 0.9 * limit < size <= limit < ANONYMOUS_BYTES_MAX


def test_a_stamp_costs_little_and_their_number_is_limited():
    calls = [call(minute % 60, type="identify", userId=NUMBERED, messageId=f"m{minute}",
                  timestamp=f"2024-{1 + minute // 28:02}-{1 + minute % 28:02}T10:00:00Z") for minute in range(100)]  # fmt: skip
    one, many = (node_bytes(after(*some), node_key("main", "a", DEVICE)) for some in (calls[:1], calls))
    assert one < 135
    assert STAMPS_MAX * 3 < many < STAMPS_MAX * 7 + 100


def test_one_visit_anonymous_ids_keep_no_node_state():
    visits = [
        call(1, anonymousId=f"{DEVICE[:-4]}{number:04}", messageId=f"m{number}") for number in range(100)
    ]
    pipeline = after(
        *visits, *(one | {"type": "page", "messageId": one["messageId"] + "p"} for one in visits)
    )
    assert len(pipeline.resolved) == 200
    assert values(pipeline, "identity.facts", b"") == {}
    assert values(pipeline, "events.raw", KNOWN) == {}
    assert pipeline.sent["identity.facts"] == pipeline.sent["identity.pointers"] == 0


@pytest.mark.parametrize("kind", ["page", "track", "screen", "group"])
def test_an_ordinary_call_with_known_links_sends_nothing_and_writes_nothing(kind):
    pipeline = after(call(1, userId=UUID), call(2, email=ADDRESS), call(3, userId=UUID, email=ADDRESS))
    sent = {
        topic: pipeline.sent[topic] for topic in ("identity.facts", "identity.pointers", "profile.changes")
    }
    before = {
        topic: values(pipeline, topic, prefix)
        for topic, prefix in (("identity.facts", b""), ("events.raw", KNOWN))
    }
    pipeline.send(packed(call(minute, type=kind, userId=UUID, email=ADDRESS)) for minute in range(10, 40))
    assert len(pipeline.resolved) == 33
    assert {topic: pipeline.sent[topic] for topic in sent} == sent
    assert {
        "identity.facts": values(pipeline, "identity.facts", b""),
        "events.raw": values(pipeline, "events.raw", KNOWN),
    } == before


def test_an_ordinary_call_at_a_node_with_conflicts_sends_nothing():
    family = {"email": ADDRESS, "anonymousId": None}
    pipeline = after(call(1, userId="ann", **family), call(2, userId="bob", **family))
    sent = dict(pipeline.sent)
    pipeline.send(
        packed(call(minute, userId=user, messageId=f"{user}{minute}", **family))
        for minute in range(10, 40)
        for user in ("ann", "bob")
    )
    assert {
        topic: pipeline.sent[topic] - count for topic, count in sent.items() if topic.startswith("identity")
    } == {
        "identity.facts": 0,
        "identity.pointers": 0,
    }


def test_many_devices_of_one_email_cost_it_no_byte_and_no_message():
    pipeline = after(call(1, userId=UUID, email=ADDRESS))
    before = node_bytes(pipeline, email_key(ADDRESS))
    pointers = pipeline.sent["identity.pointers"]
    pipeline.send(
        packed(call(2, anonymousId=f"device-{number}", messageId=f"d{number}", email=ADDRESS))
        for number in range(200)
    )
    assert node_bytes(pipeline, email_key(ADDRESS)) == before < 250
    assert pipeline.sent["identity.pointers"] == pointers + 200
