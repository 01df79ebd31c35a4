"""Definitions of segments as people write them, read and checked as a whole: no `Segment` is made of one with a mistake.

First the shape, by segments/definition.schema.json; then what a schema cannot say (segment_checks.py). A refusal says what is
wrong, where in the tree, and how to mend it; all that is wrong is told at once, up to a limit.

Deliberately absent: other segments. Whether those that a definition uses are there is segment_tree.py's to say.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from jsonschema_rs import RegexOptions, ValidationError, Validator, validator_for

from schemas.segment_checks import Problem, place_of, plain, problems_in
from schemas.segment_tree import BadSegment
from schemas.segments import Segment, Window

PROBLEMS_TOLD_MAX = 10
SHOWN_CHARS_MAX = 60  # of what is quoted from a definition

_FOUND = {dict: "a mapping", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}


def read_segment(document: Any) -> Segment:
    """Of a mapping, as YAML or JSON gives it. Raises BadSegment."""
    read, problems = plain(document)
    if not problems:
        problems = list(_of_shape(read)) or list(problems_in(read))
    if problems:
        raise BadSegment(_in_words(document, problems))
    return msgspec.convert(_one_form(read), Segment)


def _one_form(value: Any) -> Any:
    """A window that is an operator's value is written as any other window is: what is at its default left out."""
    if isinstance(value, list):
        return [_one_form(each) for each in value]
    if not isinstance(value, dict):
        return value
    same = {name: _one_form(each) for name, each in value.items()}
    if same.get("op") == "within":
        same["value"] = msgspec.to_builtins(msgspec.convert(same["value"], Window))
    return same


def definition_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a definition, for editors and other programs."""
    found: dict[str, Any] = msgspec.json.decode(
        (files("schemas") / "segments" / "definition.schema.json").read_bytes()
    )
    return found


@cache
def _validator() -> Validator:
    return validator_for(definition_schema(), pattern_options=RegexOptions(), offline=True)


def _of_shape(document: Any) -> Iterator[Problem]:
    """One for each place, the most telling: a key that does not exist explains why another one is missed."""
    found: dict[str, Problem] = {}
    unknown = set()
    for error in _validator().iter_errors(document):
        place = place_of(error.instance_path)
        if error.kind.name == "additionalProperties":
            unknown.add(place)
            found[place] = Problem(place, _unknown_key(error))
        elif place not in unknown:
            found.setdefault(place, Problem(place, _expected(error)))
    yield from found.values()


def _expected(error: ValidationError) -> str:
    keyword, value = error.kind.name, error.kind.value
    expected = _schema_of(error).get("description", "")
    if keyword == "required":
        return f"{value} is missing: expected {expected or 'the value that this operator takes'}"
    hint = _did_you_mean(error.instance, value) if keyword == "enum" else ""
    return f"expected {expected or 'another value'}, found {_shown(error.instance)}{hint}"


def _unknown_key(error: ValidationError) -> str:
    schema = _schema_of(error)
    keys = list(schema.get("properties", ()))
    unknown = error.kind.value[0]
    return f"there is no key {_shown(unknown)}{_did_you_mean(unknown, keys)}; there are {', '.join(keys)}"


def _schema_of(error: ValidationError) -> dict[str, Any]:
    """The part of the schema whose keyword was not kept."""
    found: Any = definition_schema()
    for step in error.schema_path[:-1]:
        found = found[step]
    return found if isinstance(found, dict) else {}


def _did_you_mean(written: Any, known: list[Any]) -> str:
    close = get_close_matches(str(written), [str(each) for each in known], n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _shown(value: Any) -> str:
    if type(value) in _FOUND and not isinstance(value, str | bool):
        keys = f" of {', '.join(map(str, value))}" if isinstance(value, dict) and value else ""
        return f"{_FOUND[type(value)]}{keys}"[:SHOWN_CHARS_MAX]
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN_CHARS_MAX else f"{text[:SHOWN_CHARS_MAX]}.."


def _in_words(document: Any, problems: list[Problem]) -> str:
    name = document.get("segment") if isinstance(document, dict) else None
    told = [f"at {problem.place}: {problem.what}" for problem in problems[:PROBLEMS_TOLD_MAX]]
    if len(problems) > PROBLEMS_TOLD_MAX:
        told.append(f"and {len(problems) - PROBLEMS_TOLD_MAX} more")
    heading = f"segment {name if isinstance(name, str) else '(without a name)'}"
    return f"{heading}: {told[0]}" if len(told) == 1 else "\n  ".join([f"{heading}:", *told])
