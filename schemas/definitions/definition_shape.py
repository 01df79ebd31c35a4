"""The shape of a definition, held against its JSON Schema: what differs, where, and what is expected there.

The schema's descriptions are quoted, so each says what is expected at its place. A mapping of which exactly one key is to be
given says so in a description that ends with "is given" (definition_schemas.py).

Deliberately absent: what no schema can say (segment_checks.py, rule_checks.py).
"""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

import msgspec
from jsonschema_rs import RegexOptions, ValidationError, validator_for

from schemas.definitions.problems import Problem, place_of

PROBLEMS_TOLD_MAX = 10
SHOWN_CHARS_MAX = 60  # of what is quoted from a definition

_FOUND = {dict: "a mapping", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
_COUNTS = {0: "is none", 1: "is one", 2: "are two", 3: "are three"}


class Shape:
    def __init__(self, schema: dict[str, Any], several: str = "") -> None:
        """`several`: how to mend it when more than one of those of which one is to be given are."""
        self._schema = schema
        self._several = several
        self._validator = validator_for(schema, pattern_options=RegexOptions(), offline=True)

    def problems(self, document: Any) -> Iterator[Problem]:
        """One for each place, the most telling: a key that does not exist explains why another one is missed."""
        found: dict[str, Problem] = {}
        unknown = set()
        for error in self._validator.iter_errors(document):
            place = place_of(error.instance_path)
            if error.kind.name == "additionalProperties":
                unknown.add(place)
                found[place] = Problem(place, self._unknown_key(error))
            elif place not in unknown:
                found.setdefault(place, Problem(place, self._expected(error)))
        yield from found.values()

    def _expected(self, error: ValidationError) -> str:
        keyword, value = error.kind.name, error.kind.value
        expected = self._part_of(error).get("description", "")
        if expected.endswith(" is given") and isinstance(error.instance, dict):
            return self._not_one(expected, list(error.instance))
        if keyword == "required":
            return f"{value} is missing: expected {expected or 'the value that this operator takes'}"
        hint = did_you_mean(error.instance, value) if keyword == "enum" else ""
        return f"expected {expected or 'another value'}, found {shown(error.instance)}{hint}"

    def _not_one(self, expected: str, keys: list[str]) -> str:
        told = f"{expected}; here {_COUNTS.get(len(keys), f'are {len(keys)}')}"
        return f"{told}: {' and '.join(keys)}: {self._several}" if keys else told

    def _unknown_key(self, error: ValidationError) -> str:
        keys = list(self._part_of(error).get("properties", ()))
        unknown = error.kind.value[0]
        return f"there is no key {shown(unknown)}{did_you_mean(unknown, keys)}; there are {', '.join(keys)}"

    def _part_of(self, error: ValidationError) -> dict[str, Any]:
        """The part of the schema whose keyword was not kept."""
        found: Any = self._schema
        for step in error.schema_path[:-1]:
            found = found[step]
        return found if isinstance(found, dict) else {}


def did_you_mean(written: Any, known: list[Any]) -> str:
    close = get_close_matches(str(written), [str(each) for each in known], n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def shown(value: Any) -> str:
    if type(value) in _FOUND and not isinstance(value, str | bool):
        keys = f" of {', '.join(map(str, value))}" if isinstance(value, dict) and value else ""
        return f"{_FOUND[type(value)]}{keys}"[:SHOWN_CHARS_MAX]
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN_CHARS_MAX else f"{text[:SHOWN_CHARS_MAX]}.."


def in_words(kind: str, document: Any, problems: list[Problem]) -> str:
    """All that is wrong with one `kind` ("segment"), whose name stands under that key."""
    name = document.get(kind) if isinstance(document, dict) else None
    told = [f"at {problem.place}: {problem.what}" for problem in problems[:PROBLEMS_TOLD_MAX]]
    if len(problems) > PROBLEMS_TOLD_MAX:
        told.append(f"and {len(problems) - PROBLEMS_TOLD_MAX} more")
    heading = f"{kind} {name if isinstance(name, str) else '(without a name)'}"
    return f"{heading}: {told[0]}" if len(told) == 1 else "\n  ".join([f"{heading}:", *told])
