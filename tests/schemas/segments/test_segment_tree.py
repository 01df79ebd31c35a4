"""Segments within segments, leaves that are one, and versions."""

from typing import Any

import pytest

from schemas.segments.segment_reading import read_segment
from schemas.segments.segment_tree import (
    LEAVES_MAX,
    STEPS_MAX,
    AllOf,
    AnyOf,
    BadSegment,
    Inlined,
    Leaf,
    NotOf,
    Segments,
    inlined,
    key_of,
    leaves,
    used_by,
    version_of,
)

DID = {"did": {"event": "A"}}
GROUP = {"where": [{"name": "n", "op": "exists"}]}
TODAY = {"did": {"event": "A", "window": {"calendar": {"this": "day"}}}}


def segments(**wheres: Any) -> Segments:
    """Each by its definition, or by its condition alone."""
    definitions = [
        {"segment": name, **(found if "where" in found else {"where": found})}
        for name, found in wheres.items()
    ]
    read = [read_segment(each) for each in definitions]
    return {key_of(each.workspace, each.segment): each for each in read}


def tree(name: str, **wheres: Any) -> Inlined:
    found = segments(**wheres)
    return inlined(found[key_of("main", name)], found)


def version(name: str, zone: str = "UTC", **wheres: Any) -> str:
    found = segments(**wheres)
    return version_of(found[key_of("main", name)], found, zone)


def keys(where: Any, **more: Any) -> list[str]:
    return [leaf.key for leaf in leaves(tree("a", a={"where": where, **more}))]


def test_a_tree_keeps_its_form_and_each_leaf_knows_its_place() -> None:
    found = tree(
        "a", a={"all": [{"any": [DID, {"in_list": "l"}]}, {"not": {"trait": {"name": "n", "op": "exists"}}}]}
    )
    assert isinstance(found.where, AllOf)
    assert isinstance(found.where.parts[0], AnyOf)
    assert isinstance(found.where.parts[1], NotOf)
    assert [(leaf.kind, leaf.path) for leaf in leaves(found)] == [
        ("did", "where.all[0].any[0].did"),
        ("in_list", "where.all[0].any[1].in_list"),
        ("trait", "where.all[1].not.trait"),
    ]


def test_a_used_segment_keeps_its_own_zone_and_people() -> None:
    found = tree(
        "a",
        a={"where": {"all": [TODAY, {"not": {"in_segment": "b"}}]}, "timezone": "Asia/Tokyo"},
        b={"where": TODAY, "timezone": "Europe/Berlin", "people": {"known": "any", "bots": "include"}},
    )
    assert isinstance(found.where, AllOf)
    inner = found.where.parts[1]
    assert isinstance(inner, NotOf)
    assert isinstance(inner.part, Inlined)
    assert (inner.part.segment.people.known, inner.part.path) == ("any", "where.all[1].not.in_segment(b)")
    outer_leaf, inner_leaf = leaves(found)
    assert (outer_leaf.zone, outer_leaf.bots) == ("Asia/Tokyo", "exclude")
    assert (inner_leaf.zone, inner_leaf.bots) == ("Europe/Berlin", "include")
    assert inner_leaf.path == "where.all[1].not.in_segment(b).where.did"
    assert outer_leaf.key != inner_leaf.key


def test_a_segment_without_a_zone_has_the_deployments() -> None:
    found = segments(a=TODAY)[key_of("main", "a")]
    assert inlined(found, {}).zone == "UTC"
    assert inlined(found, {}, "Europe/Berlin").zone == "Europe/Berlin"
    assert isinstance(leaf := inlined(found, {}, "Europe/Berlin").where, Leaf)
    assert leaf.zone == "Europe/Berlin"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"did": {"event": "A", "count": {"gte": 1}}}, DID),
        ({"did": {"event": ["A"]}}, DID),
        ({"did": {"event": ["B", "A"]}}, {"did": {"event": ["A", "B"]}}),
        ({"did": {"event": "A", "where": []}}, DID),
        ({"group": GROUP | {"which": "any"}}, {"group": GROUP}),
    ],
)
def test_leaves_that_ask_the_same_have_one_key(one: Any, other: Any) -> None:
    assert keys(one) == keys(other)


@pytest.mark.parametrize(
    "other",
    [
        {"did": {"event": "B"}},
        {"did": {"event": "A", "type": "page"}},
        {"did": {"event": "A", "count": {"gte": 2}}},
        {"did": {"event": "A", "days": {"gte": 1}}},
        {"did": {"event": "A", "window": {"last": "3d"}}},
        {"first": {"event": "A"}},
        {"last": {"event": "A"}},
        {"did": {"event": "A", "where": [{"path": "a", "op": "eq", "value": 1}]}},
        {"did": {"event": "A", "where": [{"path": "a", "op": "eq", "value": "1"}]}},
        {"did": {"event": "A", "where": [{"path": "a", "op": "eq", "value": True}]}},
    ],
)
def test_leaves_that_ask_something_else_have_other_keys(other: Any) -> None:
    assert keys(other) != keys(DID)
    assert keys({"all": [other, other, DID]})[:2] == keys({"any": [other, other]})


def test_a_zone_counts_only_where_something_is_a_matter_of_days() -> None:
    assert keys(DID, timezone="Asia/Tokyo") == keys(DID)
    born = {"trait": {"name": "born", "op": "before", "value": "2000-01-01"}}
    days = {"did": {"event": "A", "days": {"gte": 2}}}
    since = {"did": {"event": "A", "window": {"from": "2026-01-01"}}}
    filtered = {
        "did": {"event": "A", "where": [{"any": {"path": "p", "where": [born["trait"] | {"path": "x"}]}}]}
    }
    del filtered["did"]["where"][0]["any"]["where"][0]["name"]  # type: ignore[index]
    for where in (TODAY, born, days, since, filtered):
        assert keys(where, timezone="Asia/Tokyo") != keys(where)


def test_bots_count_in_every_key() -> None:
    assert keys(DID, people={"bots": "include"}) != keys(DID)
    assert keys(DID, people={"known": "any"}) == keys(DID), "who is known is asked once, not by each leaf"


def test_a_segment_that_is_not_there_is_named_with_its_place() -> None:
    with pytest.raises(
        BadSegment, match=r"segment a: at where.not: in_segment names b, and workspace main has no"
    ):
        tree("a", a={"not": {"in_segment": "b"}})


def test_a_segment_of_another_workspace_is_not_there() -> None:
    found = segments(a={"in_segment": "b"}, b={"where": DID, "workspace": "other"})
    with pytest.raises(BadSegment, match="workspace main has no segment"):
        inlined(found["segment/main/a"], found)


def test_circles_are_refused_by_their_names() -> None:
    with pytest.raises(BadSegment, match="in a circle: b -> c -> b: take one"):
        tree(
            "a", a={"in_segment": "b"}, b={"not": {"in_segment": "c"}}, c={"any": [DID, {"in_segment": "b"}]}
        )
    with pytest.raises(BadSegment, match="in a circle: a -> a"):
        tree("a", a={"in_segment": "a"})


def test_one_segment_may_be_used_twice() -> None:
    found = tree("a", a={"any": [{"in_segment": "b"}, {"not": {"in_segment": "b"}}]}, b=DID)
    assert len({leaf.key for leaf in leaves(found)}) == 1
    assert len(list(leaves(found))) == 2


def test_the_limits_hold_for_what_is_inlined() -> None:
    deep: Any = {"in_segment": "b"}
    for _ in range(3):
        deep = {"not": deep}
    inner = {"not": {"not": {"not": DID}}}
    assert list(leaves(tree("a", a=deep, b=inner)))
    with pytest.raises(BadSegment, match=r"segment a: at .*: 8 levels is as deep"):
        tree("a", a={"not": deep}, b=inner)
    with pytest.raises(BadSegment, match=f"segment a: more than {LEAVES_MAX} conditions"):
        tree("a", a={"any": [{"in_segment": "b"}] * 5}, b={"all": [DID] * 13})


def test_steps_of_sequences_are_counted_over_all_that_is_inlined() -> None:
    steps = {"sequence": {"steps": [DID["did"]] * 6, "within": "1d"}}
    assert list(leaves(tree("a", a={"any": [{"in_segment": "b"}] * 2}, b={"all": [steps] * 5})))
    with pytest.raises(BadSegment, match=f"segment a: sequences of more than {STEPS_MAX} steps"):
        tree("a", a={"any": [{"in_segment": "b"}] * 2}, b={"all": [steps] * 6})


def test_segments_that_double_each_other_are_refused_at_once() -> None:
    twice = {f"s{place}": {"any": [{"in_segment": f"s{place + 1}"}] * 64} for place in range(3)}
    with pytest.raises(BadSegment, match="more than 64 conditions"):
        tree("s0", **twice, s3=DID)


def test_a_version_changes_with_what_is_meant_and_with_nothing_else() -> None:
    first = version("a", a=DID)
    assert version("a", a={"where": DID, "description": "those who did"}) == first
    assert version("b", b=DID) == first, "a version is of the meaning, not of the name"
    assert version("a", a={"where": DID, "people": {"known": "any"}}) != first
    assert version("a", a={"where": DID, "people": {"bots": "only"}}) != first
    assert version("a", a={"not": DID}) != first
    assert version("a", a={"all": [DID]}) != version("a", a={"any": [DID]})


def test_a_segment_has_a_new_version_when_one_that_it_uses_is_edited() -> None:
    a, b = {"not": {"in_segment": "b"}}, {"in_segment": "c"}
    before = version("a", a=a, b=b, c=DID)
    assert version("a", a=a, b=b, c=TODAY) != before
    assert version("a", a=a, b=b, c={"where": DID, "people": {"known": "any"}}) != before
    assert version("a", a=a, b=b, c=DID) == before


def test_a_zone_is_part_of_a_version_where_days_count() -> None:
    assert version("a", a={"where": TODAY, "timezone": "Europe/Berlin"}) != version("a", a=TODAY)
    assert version("a", "Europe/Berlin", a=TODAY) == version(
        "a", a={"where": TODAY, "timezone": "Europe/Berlin"}
    )


def test_the_used_segments_are_those_that_are_named() -> None:
    found = segments(a={"all": [{"in_segment": "b"}, {"any": [DID, {"not": {"in_segment": "c"}}]}]})
    assert used_by(found["segment/main/a"]) == {"b", "c"}
