"""What the semantic catalogue says of an event: the examples of all six families, and what does not conform."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.enrichment.semantics import VIOLATIONS_MAX, meaning_of
from processors.events.parsed import ParsedEvent, parse
from processors.resolver.resolve import Resolver
from schemas.events.catalogue import catalogue
from schemas.events.pack import encode_pack
from schemas.stream import InputRecord
from schemas.topics import EVENTS_RESOLVED
from schemas.wire.codec import decode
from schemas.wire.stamps import NO_MEANING
from tests.processors.driver import HASH_KEY, packed

EXAMPLES = json.loads((Path(__file__).parents[2] / "schemas" / "semantic_examples.json").read_text())
VIOLATION_CHARS_MAX = 160
NAMES = sorted({spec.name for spec in catalogue().values()})

# (event, properties, what is said); each with all that is required.
WRONG = {
    "text that reads as a number": (
        "Product Viewed",
        {"sku": "s", "price": "18.99"},
        "properties.price: expected an amount, found text that reads as a number",
    ),
    "text": (
        "Product Viewed",
        {"sku": "s", "price": "free"},
        "properties.price: expected an amount, found text",
    ),
    "an endless number": (
        "Product Viewed",
        {"sku": "s", "quantity": "9" * 50},
        "properties.quantity: expected a number, found text",
    ),
    "a number out of range": (
        "Product Viewed",
        {"sku": "s", "price": -1e12},
        "properties.price: expected an amount, found a number out of range",
    ),
    "a number for text": ("Product Viewed", {"sku": 7}, "properties.sku: expected text, found a number"),
    "a boolean for a number": (
        "Product Viewed",
        {"sku": "s", "price": True},
        "properties.price: expected an amount, found true or false",
    ),
    "missing": ("Order Completed", {}, "properties.order_id: required and missing"),
    "null and required": ("Order Completed", {"order_id": None}, "properties.order_id: required and missing"),
    "empty and required": ("Order Completed", {"orderId": ""}, "properties.order_id: required and missing"),
    "one of two missing": (
        "Product Added",
        {"name": "n"},
        "properties.product_id or properties.sku: required and missing",
    ),
    "another name": (
        "Order Completed",
        {"orderId": 7},
        "properties.orderId: expected text, found a number",
    ),
    "inside a list": (
        "Order Completed",
        {"order_id": "o", "products": [{"price": 1}, {"price": []}]},
        "properties.products.1.price: expected an amount, found a list",
    ),
    "no list": (
        "Order Completed",
        {"order_id": "o", "products": {"price": 1}},
        "properties.products: expected a list, found an object",
    ),
    "no object in a list": (
        "Order Completed",
        {"order_id": "o", "products": ["p1"]},
        "properties.products.0: expected an object, found text",
    ),
    "two types": (
        "Products Searched",
        {"query": 3},
        "properties.query: expected text or an object, found a number",
    ),
    "a fraction": (
        "Video Ad Playing",
        {"session_id": "s", "position": 1.5},
        "properties.position: expected a whole number, found a fraction",
    ),
    "another word": (
        "Video Ad Playing",
        {"session_id": "s", "type": "intermission"},
        "properties.type: expected one of pre-roll, mid-roll, post-roll, found other text",
    ),
    "another word in a list": (
        "Video Playback Started",
        {"session_id": "s", "ad_type": ["pre-roll", 4]},
        "properties.ad_type.1: expected text, found a number",
    ),
    "no date": (
        "Video Content Started",
        {"session_id": "s", "airdate": "last summer"},
        "properties.airdate: expected an ISO 8601 date, found other text",
    ),
    "inside an object": (
        "Push Notification Tapped",
        {"campaign": {"name": 4}},
        "properties.campaign.name: expected text, found a number",
    ),
    "an object inside an object": (
        "Video Ad Started",
        {"session_id": "s", "content": {"full_episode": "yes"}},
        "properties.content.full_episode: expected true or false, found text",
    ),
}

CONFORMING = {
    "null is absent": ("Video Playback Paused", {"session_id": "s", "total_length": None, "ad_type": None}),
    "a whole number as a fraction": ("Video Playback Paused", {"session_id": "s", "position": 4.0}),
    "properties of one's own": ("Product Viewed", {"sku": "s", "colour": {"r": 1}, "Price": "x"}),
    "a date and time": ("Video Content Started", {"session_id": "s", "airdate": "2024-05-05T08:00:00Z"}),
    "one or several": ("Video Playback Started", {"session_id": "s", "ad_type": "mid-roll"}),
}

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


def _event(name: object, properties: object, **call: object) -> ParsedEvent:
    event = parse(
        packed(
            {"type": "track", "messageId": "m", "userId": "ann", "event": name, "properties": properties}
            | call
        )
    )
    assert isinstance(event, ParsedEvent)
    return event


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["event"])
def test_every_example_of_the_public_spec_conforms(example):
    call = {key: example[key] for key in ("context",) if key in example}
    meaning = meaning_of(_event(example["event"], example["properties"], **call))
    assert (meaning.family, meaning.event, meaning.violations) == (example["family"], example["means"], ())


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_conform_is_named(case):
    name, properties, said = WRONG[case]
    assert meaning_of(_event(name, properties)).violations == (said,)


@pytest.mark.parametrize("case", CONFORMING)
def test_what_conforms_is_not_named(case):
    name, properties = CONFORMING[case]
    assert meaning_of(_event(name, properties)).violations == ()


def test_a_field_of_the_context_counts_where_the_spec_says_so():
    context = {"traits": {"email": ["ann"]}, "ip": 4}
    meaning = meaning_of(_event("Email Opened", {}, context=context))
    assert meaning.violations == (
        "context.traits.email: expected text, found a list",
        "context.ip: expected text, found a number",
    )


@pytest.mark.parametrize("name", ["Logged In", "", 7, None, True, "Product Viewed " * 20])
def test_an_event_of_ones_own_means_nothing(name):
    assert meaning_of(_event(name, {"price": "x"})) is NO_MEANING


@pytest.mark.parametrize("type", ["page", "screen", "identify", "group"])
def test_only_a_track_call_is_an_event_of_the_catalogue(type):
    assert meaning_of(_event("Product Viewed", {}, type=type, groupId="g")) is NO_MEANING


def test_what_conforms_is_one_object_for_all():
    first, second = (_event("Product Viewed", {"sku": sku}) for sku in ("a", "b"))
    assert meaning_of(first) is meaning_of(second)


def test_no_value_is_quoted():
    secret = "ann@shop.example"
    properties = dict.fromkeys(("price", "value", "quantity", "position"), secret)
    said = meaning_of(
        _event("Product Viewed", properties | {"sku": [secret], "name": {secret: secret}})
    ).violations
    assert len(said) == 6
    assert not any(secret in text for text in said)


def test_violations_are_bounded_however_many_there_are():
    products = [{"price": "x", "sku": 1} for _ in range(500)]
    said = meaning_of(_event("Order Completed", {"products": products})).violations
    assert len(said) == VIOLATIONS_MAX


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(NAMES), st.data())
def test_any_json_has_a_meaning(name, data):
    known = [called for spec in catalogue().values() if spec.name == name for called in spec.properties]
    keys = st.sampled_from(known) | st.text(max_size=5) if known else st.text(max_size=5)
    properties = data.draw(st.dictionaries(keys, ANYTHING, max_size=8) | ANYTHING)
    meaning = meaning_of(_event(name, properties, context=data.draw(ANYTHING)))
    assert meaning.event == name
    assert len(meaning.violations) <= VIOLATIONS_MAX
    assert all(len(said) <= VIOLATION_CHARS_MAX for said in meaning.violations)
    assert all(said.startswith(("properties.", "context.")) for said in meaning.violations)


OWN: dict[str, dict[str, Any]] = {
    "Profile Picture Uploaded": {"format": "png", "bytes": 48_213, "crop": {"x": 0.5, "y": 0.25}},
    "Content Viewed": {"content": "guide-7", "tags": ["soil", "spring"], "seconds": 41.5, "price": "free"},
    "Comment Created": {
        "text": "Does it grow in the shade? \u00e9\U0001f331",
        "parent": None,
        "product_id": 7,
    },
    "Whitepaper Downloaded": {"title": "Soil", "pages": 12, "gated": True},
    "Course Started": {
        "course": "pruning",
        "modules": [
            {"id": "m1", "lessons": [{"title": "Tools", "minutes": 12, "done": False}, {"title": "Roses"}]},
            {"id": "m2", "lessons": []},
        ],
    },
    "Application Error": {"stack": ["a.js:1", "b.js:2"], "state": {"from": "idle", "to": "failed"}},
}


def _resolved(call: dict[str, Any]) -> dict[str, Any]:
    resolver = Resolver(hash_key=HASH_KEY, partitions=1, duplicate_window_days=7, duplicate_ids_per_key_max=9)
    outputs = resolver(0, [InputRecord(0, 0, None, encode_pack([packed(call)]))], {})
    (event,) = (decode(output.value) for output in outputs if output.topic == EVENTS_RESOLVED.name)
    return event


@pytest.mark.parametrize("name", OWN)
def test_an_event_of_ones_own_is_stored_as_it_was_sent(name):
    call = {"type": "track", "messageId": "m", "userId": "ann", "event": name, "properties": OWN[name]}
    event = _resolved(call | {"integrations": {"All": False, "Mail": {"list": 3}}})
    assert event["event"] == name
    assert json.loads(event["properties"]) == OWN[name]
    assert json.loads(event["integrations"]) == {"All": False, "Mail": {"list": 3}}
    assert event["meaning"] == {"family": "", "event": "", "violations": []}


def test_a_resolved_event_says_what_it_means():
    call = {"type": "track", "messageId": "m", "userId": "ann", "event": "Completed Order", "properties": {}}
    event = _resolved(call)
    assert event["event"] == "Completed Order"  # as sent
    assert event["meaning"] == {
        "family": "ecommerce",
        "event": "Order Completed",
        "violations": ["properties.order_id: required and missing"],
    }
