"""Which event of the semantic catalogue this is, and what of it does not conform, in words.

Nothing is refused or changed here. Each violation begins with the place and names types, never a value: what clients send may be
anybody's. A number that was sent as text is said to read as one: the steps that type it take it. null counts as absent.

The checks are made once for each event of the catalogue. A value of the expected type costs one look at its type; only others,
and the types that are more than that (lists of objects, amounts), take longer.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import msgspec

from processors.events.parsed import ParsedEvent
from schemas.events.catalogue import (
    NAME_CHARS_MAX,
    NAMES_REMEMBERED_MAX,
    EventSpec,
    Fields,
    Kind,
    Property,
    event_spec,
)
from schemas.wire.stamps import MONEY_MAX, NO_MEANING, Meaning

VIOLATIONS_MAX = 16  # of one event; more are not listed
NUMBER_CHARS_MAX = 40  # a longer text is not looked at as a number

_AMOUNT_MAX = float(MONEY_MAX)  # compared sooner, and with any number whatever

Place = str
Name = str | int  # of a property, or an index
Check = Callable[[Any, Place, Name, list[str]], None]  # the value, where it is in, as what, and what is said

_NOTHING = type(None)
_PYTHON: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, float),
    "money": (int, float),
    "integer": (int, float),
    "boolean": (bool,),
    "date": (str,),
    "object": (dict,),
    "list": (list,),
}
_EXPECTED = {
    "text": "text",
    "number": "a number",
    "money": "an amount",
    "integer": "a whole number",
    "boolean": "true or false",
    "date": "an ISO 8601 date",
    "object": "an object",
    "list": "a list",
}
FOUND = {
    str: "text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
    _NOTHING: "null",
}


class Checks(msgspec.Struct, frozen=True, gc=False):
    """Of the fields of an object, by every name that they go by. A value of a type in `fine` needs no `check`."""

    fine: dict[str, frozenset[type]]
    check: dict[str, Check]


class EventChecks(msgspec.Struct, frozen=True, gc=False):
    """`required`: of each group of names at least one; with what is said when there is none."""

    conforming: Meaning
    properties: Checks
    context: Checks | None
    required: tuple[tuple[tuple[str, ...], str], ...]


def meaning_of(event: ParsedEvent) -> Meaning:
    """NO_MEANING itself for what the catalogue does not know."""
    name = event.call.event
    if type(name) is not str or len(name) > NAME_CHARS_MAX or event.packed.type != "track":
        return NO_MEANING
    checks = _checks_of(name)
    return NO_MEANING if checks is None else _meaning(checks, event)


def _meaning(checks: EventChecks, event: ParsedEvent) -> Meaning:
    said: list[str] = []
    properties = event.properties
    examine(checks.properties, properties, "properties", said)
    for names, missing in checks.required:
        for name in names:
            if (value := properties.get(name)) is not None and value != "":
                break
        else:
            said.append(missing)
    if checks.context is not None:
        examine(checks.context, event.context, "context", said)
    if not said:
        return checks.conforming
    return msgspec.structs.replace(checks.conforming, violations=tuple(said[:VIOLATIONS_MAX]))


def examine(checks: Checks, values: dict[str, Any], place: Place, said: list[str]) -> None:
    """Add to `said` what does not conform, until there is enough."""
    fine_types = checks.fine
    for name, value in values.items():
        if (fine := fine_types.get(name)) is not None and type(value) not in fine:
            checks.check[name](value, place, name, said)
            if len(said) >= VIOLATIONS_MAX:
                return


@lru_cache(NAMES_REMEMBERED_MAX)
def _checks_of(name: str) -> EventChecks | None:
    spec = event_spec(name)
    return None if spec is None else _made_once(spec.name)


@lru_cache(None)
def _made_once(canonical: str) -> EventChecks:
    spec = event_spec(canonical)
    assert spec is not None, "a canonical name is in the catalogue"
    return EventChecks(
        conforming=Meaning(family=spec.family, event=spec.name),
        properties=_checks(spec.properties),
        context=_checks(spec.context) if spec.context else None,
        required=tuple(_required(spec, names) for names in spec.required),
    )


def _required(spec: EventSpec, names: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    called = tuple(called for name in names for called in spec.properties[name].names)
    places = " or ".join(f"properties.{name}" for name in names)
    return called, f"{places}: required and missing"


def _checks(fields: Fields) -> Checks:
    named = [(name, known) for known in fields.values() for name in known.names]
    return Checks(
        {name: _fine(known) for name, known in named}, {name: _check(known.kinds) for name, known in named}
    )


def _fine(known: Property) -> frozenset[type]:
    """The types of which every value conforms, and null."""
    plain = [kind for kind in known.kinds if _further(kind) is None]
    return frozenset((_NOTHING, *(python for kind in plain for python in _PYTHON[kind.basic])))


def _check(kinds: tuple[Kind, ...]) -> Check:
    """Of a value that may have any of these types: it is held against the one whose JSON type it has."""
    further = {python: _further(kind) for kind in kinds for python in _PYTHON[kind.basic]}
    expected = " or ".join(_EXPECTED[kind.basic] for kind in kinds)
    is_number = not {int, float}.isdisjoint(further)

    def check(value: Any, place: Place, name: Name, said: list[str]) -> None:
        python = type(value)
        if python not in further:
            found = FOUND[python]
            if is_number and python is str and reads_as_number(value):
                found = "text that reads as a number"
            said.append(f"{place}.{name}: expected {expected}, found {found}")
        elif (look := further[python]) is not None:
            look(value, place, name, said)

    return check


def _further(kind: Kind) -> Check | None:
    """What is to be seen in a value of the right JSON type, if anything."""
    if kind.items:
        return _items(kind.items)
    if kind.fields is not None:
        return _object(kind.fields)
    if kind.words:
        return _words(kind.words)
    return _FURTHER.get(kind.basic)


def _items(kinds: tuple[Kind, ...]) -> Check:
    check = _check(kinds)

    def items(values: list[Any], place: Place, name: Name, said: list[str]) -> None:
        inside = f"{place}.{name}"
        for index, value in enumerate(values):
            check(value, inside, index, said)
            if len(said) >= VIOLATIONS_MAX:
                return

    return items


def _object(fields: Fields) -> Check:
    checks = _checks(fields)
    return lambda value, place, name, said: examine(checks, value, f"{place}.{name}", said)


def _words(words: tuple[str, ...]) -> Check:
    allowed, expected = frozenset(words), ", ".join(words)

    def word(value: str, place: Place, name: Name, said: list[str]) -> None:
        if value not in allowed:
            said.append(f"{place}.{name}: expected one of {expected}, found other text")

    return word


def _amount(value: float, place: Place, name: Name, said: list[str]) -> None:
    if not -_AMOUNT_MAX < value < _AMOUNT_MAX:
        said.append(f"{place}.{name}: expected an amount, found a number out of range")


def _whole(value: float, place: Place, name: Name, said: list[str]) -> None:
    if type(value) is float and not value.is_integer():
        said.append(f"{place}.{name}: expected a whole number, found a fraction")


def _date(value: str, place: Place, name: Name, said: list[str]) -> None:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        said.append(f"{place}.{name}: expected an ISO 8601 date, found other text")


_FURTHER: Mapping[str, Check] = {"money": _amount, "integer": _whole, "date": _date}


def reads_as_number(value: str) -> bool:
    if len(value) > NUMBER_CHARS_MAX:
        return False
    try:
        return Decimal(value).is_finite()
    except InvalidOperation:
        return False
