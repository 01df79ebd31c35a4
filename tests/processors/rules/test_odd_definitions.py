"""Whatever stands where in a definition: it is refused in words, or every part that rules go through takes it."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

from processors.actions.templates import check_templates
from processors.rules.rule_index import indexed
from processors.rules.rules_now import NO_RULES, rules_of
from schemas.configuration.rule_names import uses_of
from schemas.configuration.rule_reading import BadRule
from schemas.configuration.rule_records import destination_records, rule_records
from schemas.control import ControlState
from schemas.segments.segment_records import Records
from tests.schemas.rule_definitions import DESTINATIONS, rules

ODD: list[Any] = [
    *(None, -1, 1.5, True, "", "x" * 300, "2026-01-01", 10**30, float("nan"), b"x", "\0", "{{", "*", "a.b"),
    *([], {}, [None], [[1]], {"a": 1}, {1: 2}, {"event": "*"}, {"op": "eq", "value": []}, [{"path": "a", "op": "x"}]),
]  # fmt: skip

Read = Callable[[list[Any]], Records]


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from paths(value[key], (*path, key))


def replaced(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    copy = deepcopy(value)
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = other
    return copy


def taken(read: Read, document: Any) -> bool:
    """False when it is refused in words; fails when anything behind does not take it."""
    try:
        records = read([document])
    except BadRule:
        return False
    state = ControlState().updated(records.items())
    try:
        for rule in state.rules.values():
            check_templates(rule.action)
    except ValueError:
        return False
    assert state.unreadable == {}, document
    assert indexed(state)[1] == [], document
    assert len(rules_of(state, NO_RULES).rules) == len(state.rules)
    return all(list(uses_of(rule)) is not None for rule in state.rules.values())


@pytest.mark.parametrize(
    ("read", "documents"), [(rule_records, rules()), (destination_records, DESTINATIONS)], ids=["rules", "destinations"]
)  # fmt: skip
def test_a_definition_with_something_odd_in_it_is_refused_or_works(read: Read, documents: list[Any]) -> None:
    assert all(taken(read, document) for document in documents)
    outcomes = [
        taken(read, replaced(document, path, odd))
        for document in documents
        for path in paths(document)
        for odd in ODD
    ]
    assert outcomes.count(False) > len(outcomes) // 2
    assert True in outcomes
