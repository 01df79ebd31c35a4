"""Tracking plans: what does not conform, and what becomes of it."""

from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.enrichment.plans import VALUES_MAX, BadPlan, Plans, compile_plan, judge
from processors.enrichment.semantics import VIOLATIONS_MAX
from processors.events.parsed import ParsedEvent, Refusal, parse
from processors.resolver.resolve import Resolver
from schemas.events.pack import encode_pack
from schemas.events.reasons import Reason
from schemas.sources.plans import Plan
from schemas.stream import InputRecord, OutputRecord
from schemas.wire.codec import decode
from tests.processors.driver import HASH_KEY, packed

SECRET = "ann@shop.example"
VIOLATION_CHARS_MAX = 300

ARTICLE: dict[str, Any] = {
    "type": "object",
    "required": ["article"],
    "properties": {
        "article": {"type": "string", "maxLength": 8},
        "stars": {"type": "integer", "minimum": 1, "exclusiveMaximum": 6, "multipleOf": 1},
        "tone": {"enum": ["kind", "plain"]},
        "by": {"type": ["string", "null"], "format": "email"},
        "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "uniqueItems": True, "maxItems": 2},
        "version": {"const": 2},
        "size": {"anyOf": [{"type": "string", "pattern": "^[SML]$"}, {"type": "number"}]},
        "code": {"type": "string", "pattern": "^[A-Z]+$"},
        "never": False,
        "pair": {"prefixItems": [{}, {}], "unevaluatedItems": False},
        "few": {"propertyNames": {"maxLength": 3}},
        "inner": {
            "type": "object",
            "patternProperties": {"^x": {"type": "integer"}},
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
    "$defs": {"tag": {"type": "string"}},
}

# What is sent beside `article`, and what is said.
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "type": ({"stars": "5"}, "properties.stars: the plan expects integer, found text"),
    "types": ({"by": 4}, "properties.by: the plan expects null or string, found a number"),
    "minimum": ({"stars": 0}, "properties.stars: the plan expects at least 1"),
    "exclusiveMaximum": ({"stars": 6}, "properties.stars: the plan expects less than 6"),
    "maxLength": ({"article": "a" * 9}, "properties.article: the plan expects at most 8 characters"),
    "enum": ({"tone": SECRET}, "properties.tone: the plan expects one of its values"),
    "format": ({"by": "ann"}, "properties.by: the plan expects the format email"),
    "items": ({"tags": ["a", 3]}, "properties.tags.1: the plan expects string, found a number"),
    "uniqueItems": ({"tags": ["a", "a"]}, "properties.tags: the plan expects no item twice"),
    "maxItems": ({"tags": ["a", "b", "c"]}, "properties.tags: the plan expects at most 2 items"),
    "const": ({"version": 3}, "properties.version: the plan expects 2"),
    "anyOf": ({"size": SECRET}, "properties.size: the plan expects one of several forms"),
    "pattern": ({"code": SECRET}, "properties.code: the plan expects text that matches ^[A-Z]+$"),
    "nothing": ({"never": SECRET}, "properties.never: not in the plan"),
    "unevaluatedItems": ({"pair": [1, 2, SECRET]}, "properties.pair: the plan expects fewer items"),
    "propertyNames": ({"few": {SECRET: 1}}, "properties.few: the plan expects other names of properties"),
    "required": ({"article": None}, "properties.article: the plan expects string, found null"),
    "another property": ({"colour": "red"}, "properties: not in the plan: colour"),
    "a name that is none": ({SECRET: 1}, "properties: not in the plan: *"),
    "an inner name": ({"inner": {"x y": "no"}}, "properties.inner.*: the plan expects integer, found text"),
}

REFUSED = {
    "no schema": ["object"],
    "a type that is none": {"type": "strin"},
    "a pattern that is none": {"properties": {"a": {"pattern": "("}}},
    "a pattern that may take for ever": {"properties": {"a": {"pattern": "(?=a)b"}}},
    "a format that is none": {"properties": {"a": {"format": "nonsense"}}},
    "a document elsewhere": {"$ref": "https://schemas.example/article.json"},
    "a file": {"properties": {"a": {"$ref": "file:///etc/hosts"}}},
    "a relative document": {"$ref": "article.json"},
    "nowhere": {"$ref": "#/$defs/nothing"},
    "a dialect of one's own": {"$schema": "https://schemas.example/dialect"},
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


def _plans(**plan: Any) -> Plans:
    known: dict[str, Any] = {"source": "shop", "events": {"Read": ARTICLE}}
    return {"shop": compile_plan(Plan(**(known | plan)))}


def _call(name: object, properties: object, **call: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "messageId": "m",
        "userId": "ann",
        "event": name,
        "properties": properties,
    } | call


def _event(name: object, properties: object, **call: Any) -> ParsedEvent:
    event = parse(packed(_call(name, properties, **call)))
    assert isinstance(event, ParsedEvent)
    return event


def _said(plans: Plans, event: ParsedEvent) -> tuple[str, ...]:
    judged = judge(plans, event)
    assert not isinstance(judged, Refusal)
    return judged.meaning.violations


@pytest.mark.parametrize("case", WRONG)
def test_what_the_plan_does_not_want_is_named_and_no_value_is_quoted(case):
    properties, said = WRONG[case]
    assert _said(_plans(), _event("Read", {"article": "a1"} | properties)) == (said,)


def test_a_property_that_the_plan_requires_is_named():
    assert _said(_plans(), _event("Read", {})) == ("properties.article: required by the plan and missing",)


def test_what_is_as_planned_is_not_named():
    properties = {
        "article": "a1",
        "stars": 5,
        "tone": "kind",
        "by": None,
        "tags": ["a"],
        "version": 2,
        "size": "S",
    }
    assert _said(_plans(), _event("Read", properties)) == ()


def test_many_unknown_properties_are_named_in_short():
    said = _said(_plans(), _event("Read", {"article": "a", **{f"p{number}": 1 for number in range(50)}}))
    assert said == ("properties: not in the plan: p0, p1, p2, p3, p4 and others",)


def test_the_catalogue_and_the_plan_are_both_named():
    plans = _plans(events={"Product Viewed": {"required": ["shelf"]}})
    assert _said(plans, _event("Product Viewed", {"sku": 4})) == (
        "properties.sku: expected text, found a number",
        "properties.shelf: required by the plan and missing",
    )


@pytest.mark.parametrize("name", ["read", "READ", "Written", "", 7, None])
def test_an_event_that_is_not_in_the_plan_is_a_violation_if_the_plan_says_so(name):
    assert _said(_plans(), _event(name, {})) == ()
    assert _said(_plans(unplanned="violation"), _event(name, {})) == ("event: not in the plan",)


def test_other_calls_have_schemas_by_their_type():
    named = {"required": ["plan"]}
    plans = _plans(calls={"identify": named, "page": named, "group": named}, unplanned="violation")
    missing = "plan: required by the plan and missing"
    assert _said(plans, _event(None, {}, type="identify")) == (f"traits.{missing}",)
    assert _said(plans, _event(None, {}, type="group", groupId="g")) == (f"traits.{missing}",)
    assert _said(plans, _event(None, {}, type="page")) == (f"properties.{missing}",)
    assert _said(plans, _event(None, {"plan": 1}, type="page")) == ()
    assert _said(plans, _event(None, {}, type="screen")) == ()


def test_another_sources_events_are_not_judged():
    event = parse(packed(_call("Read", {}), source="blog"))
    assert isinstance(event, ParsedEvent)
    assert _said(_plans(unplanned="violation"), event) == ()


@pytest.mark.parametrize("case", REFUSED)
def test_a_schema_that_cannot_be_used_is_refused_with_the_place(case):
    with pytest.raises(BadPlan, match="plan of shop: event 'Read': "):
        _plans(events={"Read": REFUSED[case]})


def test_of_a_very_long_event_the_first_violation_is_named():
    plans = _plans(events={"Read": {"properties": {"a": {"items": {"type": "string"}}}}})
    said = "properties.a.0: the plan expects string, found a number"
    assert _said(plans, _event("Read", {"a": [1] * VALUES_MAX})) == (said,)
    assert len(_said(plans, _event("Read", {"a": [1] * 20}))) == VIOLATIONS_MAX


def test_a_place_deep_inside_is_named():
    lesson = {"properties": {"minutes": {"type": "integer"}}}
    module = {"properties": {"lessons": {"items": lesson}}, "required": ["id"]}
    plans = _plans(events={"Course Started": {"properties": {"modules": {"items": module}}}})
    modules = [{"id": "m1"}, {"lessons": [{}, {"minutes": "12"}]}]
    assert set(_said(plans, _event("Course Started", {"modules": modules}))) == {
        "properties.modules.1.id: required by the plan and missing",
        "properties.modules.1.lessons.1.minutes: the plan expects integer, found text",
    }


def test_what_nests_too_deeply_is_named_and_judged_no_further():
    deep: list[Any] = []
    for _ in range(400):
        deep = [deep]
    plans = _plans(events={"Read": {"properties": {"a": {"enum": [1, [2]]}}}})
    assert _said(plans, _event("Read", {"a": deep})) == (
        "properties: nested too deeply for the plan to be applied",
    )


@cache
def _strict() -> Plans:
    return _plans(unplanned="violation")


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["Read", "Other"]), st.data())
def test_any_json_is_judged(name, data):
    keys = st.sampled_from(sorted(ARTICLE["properties"])) | st.text(max_size=5)
    properties = data.draw(st.dictionaries(keys, ANYTHING, max_size=8) | ANYTHING)
    said = _said(_strict(), _event(name, properties))
    assert len(said) <= VIOLATIONS_MAX
    assert all(len(text) <= VIOLATION_CHARS_MAX for text in said)


# What the plan's source chooses, and what becomes of a call that violates the catalogue, the plan, or neither.
Sent = tuple[str, dict[str, Any]]
BAD_SPEC: Sent = ("Product Viewed", {})
BAD_PLAN: Sent = ("Read", {})
GOOD: Sent = ("Read", {"article": "a"})
FATES: list[tuple[dict[str, str], Sent, str]] = [
    ({}, BAD_SPEC, "shop"),
    ({}, BAD_PLAN, "shop"),
    ({"plan": "block"}, BAD_SPEC, "shop"),
    ({"plan": "block"}, BAD_PLAN, Reason.PLAN_VIOLATION),
    ({"plan": "block"}, GOOD, "shop"),
    ({"spec": "block"}, BAD_SPEC, Reason.SPEC_VIOLATION),
    ({"spec": "block"}, BAD_PLAN, "shop"),
    ({"spec": "divert", "divert_to": "odd"}, BAD_SPEC, "odd"),
    ({"spec": "divert", "divert_to": "odd"}, BAD_PLAN, "shop"),
    ({"plan": "divert", "divert_to": "odd"}, BAD_PLAN, "odd"),
    ({"plan": "divert", "divert_to": "odd"}, GOOD, "shop"),
    ({"plan": "divert", "divert_to": "odd", "spec": "block"}, BAD_SPEC, Reason.SPEC_VIOLATION),
    ({"plan": "block", "unplanned": "violation"}, ("Written", {}), Reason.PLAN_VIOLATION),
]


def _resolve(plans: Plans, call: dict[str, Any], state: dict[bytes, bytes]) -> list[OutputRecord]:
    resolver = Resolver(hash_key=HASH_KEY, partitions=1, duplicate_window_days=7, duplicate_ids_per_key_max=9)
    records = [InputRecord(0, 0, None, encode_pack([packed(call)]))]
    return resolver.with_plans(lambda: plans)(0, records, state)


def _of(topic: str, outputs: list[OutputRecord]) -> list[dict[str, Any]]:
    return [decode(output.value) for output in outputs if output.topic == topic]


@pytest.mark.parametrize(("plan", "sent", "fate"), FATES)
def test_a_source_chooses_what_becomes_of_a_violation(plan, sent, fate):
    outputs = _resolve(_plans(**plan), _call(*sent), {})
    stored, letters = _of("events.resolved", outputs), _of("events.dead", outputs)
    if isinstance(fate, Reason):
        assert not stored
        assert [(letter["reason"], letter["source"]) for letter in letters] == [(fate.value, "shop")]
    else:
        assert not letters
        assert [event["source"] for event in stored] == [fate]
        assert bool(stored[0]["meaning"]["violations"]) is (sent is not GOOD)


def test_a_blocked_event_says_why_states_nothing_and_passes_when_it_is_repaired():
    plans = _plans(plan="block")
    state: dict[bytes, bytes] = {}
    outputs = _resolve(plans, _call("Read", {"stars": 9}, anonymousId="laptop"), state)
    (letter,) = _of("events.dead", outputs)
    assert set(letter["detail"].split("; ")) == {
        "properties.article: required by the plan and missing",
        "properties.stars: the plan expects less than 6",
    }
    assert msgspec.json.decode(letter["payload"])["properties"] == {"stars": 9}
    assert {entry["outcome"]: entry["events"] for entry in _of("ledger", outputs)} == {
        "accepted": 1,
        "dead": 1,
    }
    assert {output.topic for output in outputs} == {"events.dead", "ledger"}
    repaired = _resolve(plans, _call("Read", {"article": "a"}, anonymousId="laptop"), state)
    assert [event["message_id"] for event in _of("events.resolved", repaired)] == ["m"]


def test_a_diverted_event_counts_for_its_own_source_with_a_remark():
    outputs = _resolve(_plans(plan="divert", divert_to="odd"), _call("Read", {}), {})
    entries = {(entry["source"], entry["outcome"]): entry["events"] for entry in _of("ledger", outputs)}
    assert entries == {("shop", "accepted"): 1, ("shop", "resolved"): 1, ("shop", "diverted"): 1}
