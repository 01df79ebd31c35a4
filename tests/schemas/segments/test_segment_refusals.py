"""What is refused of definitions of segments: anything else than a segment, in words that say what, where and how to mend it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.segments.segment_reading import read_segment
from schemas.segments.segment_tree import BadSegment


def of(where: Any, **more: Any) -> dict[str, Any]:
    return {"segment": "a", "where": where, **more}


def trait(op: str, *value: Any) -> dict[str, Any]:
    return of({"trait": {"name": "n", "op": op} | ({"value": value[0]} if value else {})})


def refusal(written: Any) -> str:
    with pytest.raises(BadSegment) as refused:
        read_segment(written)
    return str(refused.value)


DID = {"event": "A"}

REFUSED: list[tuple[Any, str]] = [
    (None, "at its top: expected a segment"),
    ([], "at its top: expected a segment"),
    ({"segment": "a"}, "where is missing"),
    ({"segment": "A b", "where": {"in_list": "l"}}, "at segment: expected a name"),
    (of({"in_list": "l"}, wher=1), 'there is no key "wher" (did you mean where?)'),
    (of({"in_list": "l"}, timezone="Europe/Belin"), "at timezone: no time zone 'Europe/Belin'"),
    (of({"in_list": "l"}, timezone="../zoneinfo/UTC/x"), "at timezone: no time zone"),
    (of({"in_list": "l"}, people={"known": "yes"}), "at people.known: expected true, false or any"),
    (of({"in_list": "l"}, people={"bots": "excl"}), "(did you mean exclude?)"),
    (of({}), "at where: expected one condition"),
    (of({"in_list": "l", "in_segment": "b"}), "at where: expected one condition"),
    (of({"all": []}), "at where.all: expected a list of 1 to 64 conditions"),
    (
        of({"all": [{"in_list": "l"}, {"dit": DID}]}),
        'at where.all[1]: there is no key "dit" (did you mean did?)',
    ),
    (of({"not": [{"in_list": "l"}]}), "at where.not: expected one condition"),
    (of({"did": {}}), "at where.did: event is missing"),
    (of({"did": {"event": []}}), "at where.did.event: expected the name of an event"),
    (
        of({"did": {"event": ["A", "*"]}}),
        'at where.did.event[1]: expected the name of an event; "*" stands alone',
    ),
    (of({"did": {"event": ["A", "A"]}}), "200 different names"),
    (of({"did": DID | {"type": "identify"}}), "at where.did.type: expected track, page or screen"),
    (
        of({"did": DID | {"count": {"gte": 1}, "days": {"gte": 1}}}),
        "at where.did: expected at most one measure",
    ),
    (of({"did": DID | {"count": {}}}), "at where.did.count: expected exactly one of eq, gte"),
    (
        of({"did": DID | {"count": {"gte": 1, "lte": 2}}}),
        "at where.did.count: expected exactly one of eq, gte",
    ),
    (
        of({"did": DID | {"count": {"between": [3, 1]}}}),
        "at where.did.count.between: the smaller number comes first",
    ),
    (of({"did": DID | {"sum": {"gte": 1}}}), "at where.did.sum: expected path, and exactly one of"),
    (of({"did": DID | {"sum": {"path": "a"}}}), "at where.did.sum: expected path, and exactly one of"),
    (of({"did": DID | {"count": {"gte": float("inf")}}}), "at where.did.count.gte: a number that is finite"),
    (of({"did": DID | {"count": {"gte": 10**30}}}), "a longer one is an identifier"),
    (of({"did": DID | {"window": {}}}), "at where.did.window: expected exactly one of last"),
    (
        of({"did": DID | {"window": {"last": "3d", "to": "2026-01-01"}}}),
        "at where.did.window: expected exactly one of",
    ),
    (of({"did": DID | {"window": {"ahead": "3d"}}}), 'at where.did.window: there is no key "ahead"'),
    (
        of({"did": DID | {"window": {"last": "3 days"}}}),
        "at where.did.window.last: expected a duration such as 90d",
    ),
    (of({"did": DID | {"window": {"last": "0d"}}}), "at where.did.window.last: expected a duration"),
    (
        of({"did": DID | {"window": {"last": "36501d"}}}),
        "at where.did.window.last: 36501d is more than 36500 days",
    ),
    (of({"did": DID | {"window": {"ago": ["9d", "3d"]}}}), "the nearer duration comes first: [3d, 9d]"),
    (of({"did": DID | {"window": {"ago": ["1d", "24h"]}}}), "at where.did.window.ago: an empty window"),
    (
        of({"did": DID | {"window": {"from": "01.03.2026"}}}),
        "at where.did.window.from: '01.03.2026' is no instant",
    ),
    (
        of({"did": DID | {"window": {"from": "2026-02-30"}}}),
        "at where.did.window.from: '2026-02-30' is no instant",
    ),
    (of({"did": DID | {"window": {"to": "0001-01-01"}}}), "is not within the years 1901 to 2298"),
    (
        of({"did": DID | {"window": {"from": "2026-01-01", "to": "2026-01-01T00:00"}}}),
        "at where.did.window.to: is not after `from`",
    ),
    (of({"did": DID | {"window": {"calendar": {"last": 3}}}}), "at where.did.window.calendar: expected last"),
    (of({"did": DID | {"window": {"calendar": {"this": "day", "full": True}}}}), "or this (a unit) alone"),
    (
        of({"did": DID | {"window": {"calendar": {"last": 0, "unit": "day"}}}}),
        "a whole number from 1 to 3660",
    ),
    (of({"did": DID | {"where": [{"path": "a"}]}}), "at where.did.where[0]: op is missing"),
    (
        of({"did": DID | {"where": [{"path": "device.brwser", "op": "exists"}]}}),
        "at where.did.where[0].path: there is no column device.brwser (did you mean device.browser?)",
    ),
    (
        of({"did": DID | {"sum": {"path": "commerce.nope", "gte": 1}}}),
        "a property of that name is properties.commerce.nope",
    ),
    (
        of({"sequence": {"steps": [DID, DID], "within": "1d", "same": "visit.no"}}),
        "at where.sequence.same: there is no column visit.no",
    ),
    (
        of({"all": [{"sequence": {"steps": [DID] * 5, "within": f"{n}d"}} for n in range(1, 14)]}),
        "at where: sequences of 65 steps in all, at most 64",
    ),
    (of({"did": DID | {"where": [{}]}}), "at where.did.where[0]: expected exactly one of path with op"),
    (
        of({"did": DID | {"where": [{"path": "a..b", "op": "exists"}]}}),
        "at where.did.where[0].path: expected a path",
    ),
    (
        of({"did": DID | {"where": [{"path": "a", "op": "exists", "any": {"path": "b", "where": []}}]}}),
        "at where.did.where[0]: expected exactly one of path with op",
    ),
    (
        of({"sequence": {"steps": [DID], "within": "1d"}}),
        "at where.sequence.steps: expected a list of 2 to 6 steps",
    ),
    (
        of({"sequence": {"steps": [DID] * 7, "within": "1d"}}),
        "at where.sequence.steps: expected a list of 2 to 6",
    ),
    (of({"sequence": {"steps": [DID, DID]}}), "at where.sequence: within is missing"),
    (of({"absent": {"did": DID, "within": "1d"}}), "at where.absent: then_not is missing"),
    (
        of({"profile": {"first_seen": {"last": "1d"}, "last_seen": {"last": "1d"}}}),
        "expected exactly one of first_seen",
    ),
    (of({"id": {"has": "phone"}}), "at where.id.has: expected email, user, anonymous, or external:"),
    (of({"group": {"where": []}}), "at where.group.where: expected a list of 1 to 64"),
    (of({"in_segment": "Not A Name"}), "at where.in_segment: expected a name"),
    (trait("equals", 1), "at where.trait.op: expected an operator"),
    (trait("eq"), "at where.trait: value is missing"),
    (trait("eq", None), "at where.trait.value: expected a text"),
    (trait("eq", ["a"]), "at where.trait.value: expected a text"),
    (trait("exists", 1), "at where.trait: expected no value"),
    (trait("in", "a"), "at where.trait.value: expected a list of 1 to 200 values"),
    (trait("in", []), "at where.trait.value: expected a list of 1 to 200 values"),
    (trait("in", [*range(201)]), "at where.trait.value: expected a list of 1 to 200 values"),
    (trait("gt", "3"), "at where.trait.value: expected a number"),
    (trait("between", [1]), "at where.trait.value: expected two numbers"),
    (trait("between", [2, 1]), "at where.trait.value: the smaller number comes first"),
    (trait("contains", ""), "at where.trait.value: expected a text of 1 to 1000"),
    (trait("before", "soon"), "at where.trait.value: 'soon' is no instant"),
    (trait("within", "7d"), "at where.trait.value: expected exactly one of last"),
    (trait("within", {"last": "7d", "ahead": "7d"}), "at where.trait.value: expected exactly one of last"),
    (trait("anniversary", 7), "at where.trait.value: expected a duration"),
    (trait("anniversary", "99999w"), "at where.trait.value: 99999w is more than"),
    (trait("matches", "a" * 201), "a regular expression (RE2) of 1 to 200"),
    (trait("matches", "("), "at where.trait.value: not a pattern that ClickHouse can run: missing )"),
    (trait("matches", "(a{1000}){2}"), "at where.trait.value: not a pattern that ClickHouse can run"),
    (trait("eq", "a\0"), "at where.trait.value: no text of Unicode"),
    (trait("eq", "\ud800"), "at where.trait.value: no text of Unicode"),
    (trait("eq", b"a"), "neither text nor number, list nor mapping: bytes"),
    (of({1: {"in_list": "l"}}), "key 1: a key must be a text"),
]


@pytest.mark.parametrize(("written", "told"), REFUSED, ids=[told[:70] for _, told in REFUSED])
def test_a_wrong_definition_is_refused_with_what_where_and_how(written: Any, told: str) -> None:
    assert told in refusal(written)


@pytest.mark.parametrize("pattern", ["(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", r"(a)\1", "(?P<x>a)(?P=x)"])
def test_look_around_and_references_back_are_refused_with_a_hint(pattern: str) -> None:
    assert "RE2 has no look-around" in refusal(trait("matches", pattern))


@pytest.mark.parametrize(
    "path", ["device.browser", "properties.device.nope", "device", "items.nope", "a.nope", "bot.score"]
)
def test_a_column_a_property_and_a_field_of_an_element_are_paths(path: str) -> None:
    inner = {"any": {"path": "products", "where": [{"path": "device.nope", "op": "exists"}]}}
    segment = read_segment(of({"did": DID | {"where": [{"path": path, "op": "exists"}, inner]}}))
    assert segment.where.did


def test_all_that_is_wrong_is_told_at_once() -> None:
    told = refusal(of({"all": [{"did": DID | {"widow": 1}}, {"trait": {"name": "n", "op": "eq"}}]}))
    assert told.splitlines()[0] == "segment a:"
    assert [line.split(":")[0] for line in told.splitlines()[1:]] == [
        "  at where.all[0].did",
        "  at where.all[1].trait",
    ]


def test_of_very_many_mistakes_the_first_are_told() -> None:
    assert refusal(of({"all": [{"dit": 1}] * 64})).splitlines()[-1].strip() == "and 54 more"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["3d", "eq", "2026-01-01"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["all", "any", "not", "did", "event", "trait", "name", "op", "value", "window", "last", "ago", "calendar", "where",
             "path", "x", "from", "to", "between", "count"]
        ),
        inner,
        max_size=3,
    ),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
@settings(max_examples=300, deadline=None)
def test_anything_is_a_segment_or_is_refused_in_words(where: Any) -> None:
    told = ""
    try:
        read_segment(of(where))
    except BadSegment as error:
        told = str(error)
    assert not told or told.startswith("segment a:")
