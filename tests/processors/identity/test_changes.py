"""What is told when a part of a node's time goes from one owner to another."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.events.times import TIME_MAX
from processors.identity.changes import Move, moves
from schemas.identity.identifiers import node_id
from tests.processors.driver import HASH_KEY, Pipeline, key_of, ms
from tests.processors.histories import PATIENT, mixed, rulings, visits
from tests.processors.oracle import Visit

A, B, C, D = range(1, 5)

CASES = [
    ("nothing", [(0, A)], [(0, A)], []),
    ("a merge", [(0, D)], [(0, A)], [Move(0, TIME_MAX, D, A)]),
    ("a split", [(0, A)], [(0, A), (5, B)], [Move(5, TIME_MAX, A, B)]),
    ("taken back", [(0, A), (5, B)], [(0, A)], [Move(5, TIME_MAX, B, A)]),
    ("an earlier claim", [(0, A), (5, B)], [(0, C), (3, A), (5, B)], [Move(0, 3, A, C)]),
    ("a cut that moves", [(0, A), (5, B)], [(0, A), (3, B)], [Move(3, 5, A, B)]),
    ("two givers", [(0, A), (5, B)], [(0, C)], [Move(0, 5, A, C), Move(5, TIME_MAX, B, C)]),
    ("apart", [(0, A)], [(0, B), (3, A), (5, B)], [Move(0, 3, A, B), Move(5, TIME_MAX, A, B)]),
    ("two pieces in one", [(0, A), (3, B), (5, B)], [(0, A)], [Move(3, TIME_MAX, B, A)]),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "before", "after", "told"), CASES, ids=[line[0] for line in CASES])
def test_a_change_tells_which_time_went_from_whom_to_whom(sentence, before, after, told):
    assert list(moves(before, after)) == told


STARTS = st.lists(st.integers(1, 20), max_size=5, unique=True).map(lambda found: [0, *sorted(found)])
SEGMENTS = STARTS.flatmap(
    lambda starts: st.tuples(*(st.sampled_from([A, B, C]) for _ in starts)).map(
        lambda owners: list(zip(starts, owners, strict=True))
    )
)


@given(SEGMENTS, SEGMENTS)
def test_moves_turn_the_one_into_the_other_at_every_moment(before, after):
    told = list(moves(before, after))
    for moment in range(25):
        inside = [move for move in told if move.valid_from <= moment < move.valid_to]
        was, is_now = _at(before, moment), _at(after, moment)
        assert [(move.giver, move.taker) for move in inside] == ([(was, is_now)] if was != is_now else [])


def _at(segments: list[tuple[int, int]], moment: int) -> int:
    return next(owner for start, owner in reversed(segments) if start <= moment)


Part = tuple[int, int, int]  # from, until, owner


def folded(records: Iterable[dict[str, Any]]) -> dict[int, list[Part]]:
    """The parts of each node's time by owner, made from changes alone; what is said of a node's owner before must be so."""
    owned: dict[int, list[Part]] = {}
    for change in records:
        node, start, end = change["node"], ms(change["valid_from"]), ms(change["valid_to"])
        parts = owned.get(node, [(0, TIME_MAX, node)])
        assert {part[2] for part in parts if part[0] < end and start < part[1]} == {change["from"]}
        kept = [(a, min(b, start), owner) for a, b, owner in parts if a < start]
        kept += [(max(a, end), b, owner) for a, b, owner in parts if b > end]
        owned[node] = sorted([*kept, (start, end, change["to"])])
    return owned


def pointed(pointer: dict[str, Any]) -> list[Part]:
    segments = pointer["segments"] or [
        {"valid_from": None, "valid_to": None, "owner": pointer["owner"]},
    ]
    return [
        (ms(one["valid_from"]) if one["valid_from"] else 0, ms(one["valid_to"]) if one["valid_to"] else TIME_MAX, one["owner"])
        for one in segments
    ]  # fmt: skip


def joined(parts: list[Part]) -> list[Part]:
    """Neighbours of one owner as one."""
    found: list[Part] = []
    for start, end, owner in parts:
        if found and found[-1][2] == owner:
            found[-1] = found[-1][0], end, owner
        else:
            found.append((start, end, owner))
    return found


@PATIENT
@given(visits(), rulings(), st.integers(0, 1000), st.booleans())
def test_all_changes_of_a_node_in_order_are_its_pointer_and_each_has_a_name_of_its_own(
    history, orders, seed, repeat
):
    pipeline = Pipeline(seed=seed, repeat=repeat)
    for event in mixed(history, orders, seed):
        pipeline.visit([event])
    changes = pipeline.records["profile.changes"]
    names = [(change["node"], change["version"], change["valid_from"]) for change in changes]
    assert len(set(names)) == len(names)
    found = folded(changes)
    assert found.keys() == pipeline.pointers.keys()
    for node, pointer in pipeline.pointers.items():
        assert joined(found[node]) == pointed(pointer)


def test_changes_that_compaction_has_left_are_not_the_present_and_that_is_why_pointers_are_the_snapshot():
    """One tablet: Bob, then Carl, then it turns out that Ann had it before. The first and the last change begin at 0."""
    pipeline = Pipeline()
    for number, (user, time) in enumerate([("bob", 50), ("carl", 100), ("ann", 20)]):
        pipeline.visit(
            [Visit(f"m{number}", "identify", 1_714_000_000_000 + time, user=user, device="tablet")]
        )
    changes = pipeline.records["profile.changes"]
    left = {(change["node"], change["valid_from"]): change for change in changes}
    assert (len(changes), len(left)) == (3, 2)
    tablet, bob = (node_id(key_of(node), HASH_KEY) for node in (("a", "tablet"), ("u", "bob")))
    whole, rest = folded(changes)[tablet], _unchecked(left.values())[tablet]
    assert (
        bob in {owner for *_, owner in whole} == {owner for *_, owner in pointed(pipeline.pointers[tablet])}
    )
    assert bob not in {owner for *_, owner in rest}


def _unchecked(records: Iterable[dict[str, Any]]) -> dict[int, set[Part]]:
    found: dict[int, set[Part]] = defaultdict(set)
    for change in records:
        found[change["node"]].add((ms(change["valid_from"]), ms(change["valid_to"]), change["to"]))
    return found
