"""What a tracking plan's validator found, in words that quote the plan and never the event.

A place is made of property names, and the names of properties that the plan does not know come from the client: only what looks
like the name of a property is shown.
"""

import re

from jsonschema_rs import ValidationError

from processors.enrichment.semantics import FOUND

PLACE_CHARS_MAX = 100
LIMIT_CHARS_MAX = 60  # of what is quoted from the plan
NAMES_SHOWN_MAX = 5

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}\Z")

_AGAINST_A_LIMIT = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} properties",
    "maxProperties": "at most {} properties",
    "format": "the format {}",
    "pattern": "text that matches {}",
    "const": "{}",
    "uniqueItems": "no item twice",
    "additionalItems": "fewer items",
    "unevaluatedItems": "fewer items",
    "propertyNames": "other names of properties",
    "contentEncoding": "the encoding {}",
    "contentMediaType": "the media type {}",
    "enum": "one of its values",
    "contains": "a certain item",
    "anyOf": "one of several forms",
    "oneOf": "exactly one of several forms",
    "not": "another form",
    "dependentRequired": "what this requires",
}


def in_words(error: ValidationError, root: str) -> str:
    """One violation; `root` is where the schema's subject stands in the event."""
    place = ".".join((root, *map(shown, error.instance_path)))[:PLACE_CHARS_MAX]
    keyword, value = error.kind.name, error.kind.value
    if keyword == "required":
        return f"{place}.{shown(value)}: required by the plan and missing"
    if keyword == "falseSchema":
        return f"{place}: not in the plan"
    if keyword in ("additionalProperties", "unevaluatedProperties"):
        return f"{place}: not in the plan: {_listed(value)}"
    if keyword == "type":
        found = FOUND.get(type(error.instance), "something else")
        return f"{place}: the plan expects {' or '.join(value)}, found {found}"
    expected = _AGAINST_A_LIMIT.get(keyword, f"{keyword} to hold")
    return f"{place}: the plan expects {expected.format(str(value)[:LIMIT_CHARS_MAX])}"


def shown(step: object) -> str:
    """One step of a place: an index, or the name of a property."""
    return str(step) if isinstance(step, int) or _NAME.match(str(step)) else "*"


def _listed(names: list[str]) -> str:
    listed = ", ".join(map(shown, names[:NAMES_SHOWN_MAX]))
    return f"{listed} and others" if len(names) > NAMES_SHOWN_MAX else listed
