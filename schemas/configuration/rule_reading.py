"""Rules and destinations as people write them, read and checked as a whole: no struct is made of one with a mistake.

First the shape, by its schema (definition_schemas.py); then what a schema cannot say (rule_checks.py, destination_checks.py,
rule_levels.py). A refusal says what is wrong, where, and how to mend it; all that is wrong is told at once, up to a limit.

Deliberately absent: whether what is named is there (rule_names.py), and templates.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, TypeVar

import msgspec

from schemas.actions.destinations import Destination
from schemas.configuration.definition_schemas import schema_of
from schemas.configuration.destination_checks import destination_problems
from schemas.definitions.definition_shape import Shape, in_words
from schemas.definitions.problems import Problem, plain
from schemas.rules.rule_checks import rule_problems
from schemas.rules.rule_levels import level_problems
from schemas.rules.rules import Rule

T = TypeVar("T")


class BadRule(ValueError):
    """A rule, a destination or what they name cannot be used; the text says what, where, and how to mend it."""


def read_rule(document: Any) -> Rule:
    """Of a mapping, as YAML or JSON gives it. Raises BadRule."""
    read, problems = plain(document)
    read = _with_empty(_with_off(read))
    problems = problems or list(_shape_of_rules().problems(read)) or list(_of_rule(read))
    if problems:
        raise BadRule(in_words("rule", document, problems))
    return _made("rule", read, Rule)


def read_destination(document: Any) -> Destination:
    """The same."""
    read, problems = plain(document)
    problems = problems or list(_shape_of_destinations().problems(read)) or list(destination_problems(read))
    if problems:
        raise BadRule(in_words("destination", document, problems))
    return _made("destination", read, Destination)


def _made(kind: str, read: dict[str, Any], struct: type[T]) -> T:
    """A schema takes 5.0 for a whole number, a struct does not."""
    try:
        return msgspec.convert(read, struct)
    except msgspec.ValidationError as error:
        raise BadRule(f"{kind} {read[kind]}: {error}") from error


def _of_rule(document: dict[str, Any]) -> Iterator[Problem]:
    yield from rule_problems(document)
    yield from level_problems(_made("rule", document, Rule))


def _with_off(document: Any) -> Any:
    """`mode: off` without quotes is what YAML reads as false."""
    is_off = isinstance(document, dict) and document.get("mode") is False
    return {**document, "mode": "off"} if is_off else document


def _with_empty(document: Any) -> Any:
    """`cart_abandoned:` with nothing behind it is the trigger without filters."""
    trigger = document.get("trigger") if isinstance(document, dict) else None
    if not isinstance(trigger, dict) or trigger.get("cart_abandoned", 0) is not None:
        return document
    return {**document, "trigger": {**trigger, "cart_abandoned": {}}}


@cache
def _shape_of_rules() -> Shape:
    return Shape(schema_of(Rule), several="make a rule of its own of each")


@cache
def _shape_of_destinations() -> Shape:
    return Shape(schema_of(Destination))
