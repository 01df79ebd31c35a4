"""A query as it is sent: its text, its values apart from it, and how the two become one text for people.

Values never stand in the text that is sent: each is a parameter of ClickHouse's own (`{name:Type}`), named after what it is for.
`plain` writes them into the text for whoever wants to run it elsewhere; its quoting is tried on any text by the tests,
against the engine. Deliberately absent: what a query asks for (segment_compiler.py), and sending it (segment_query.py).
"""

import re
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

Parameter: TypeAlias = str | int | float | list[str] | list[float]

NAME_CHARS_MAX = 40
MONEY = "Decimal(76, 18)"
MOMENT = "DateTime64(3, 'UTC')"

_PLACE = re.compile(r"\{(\w+):([^{}]+)\}")
_NO_NAME = re.compile(r"[^a-z0-9]+")


class Query(msgspec.Struct, frozen=True):
    """`settings` are ClickHouse's, for this query alone."""

    sql: str
    parameters: dict[str, Parameter]
    settings: dict[str, int | str] = {}


class Parameters:
    """The values of one query. A value that comes again under the same name is one parameter."""

    def __init__(self) -> None:
        self.values: dict[str, Parameter] = {}
        self._names: dict[tuple[str, str, str], str] = {}

    def place(self, hint: str, kind: str, value: Parameter) -> str:
        """What stands in the SQL for the value."""
        base = identifier(hint)
        said = (base, kind, repr(value))
        if said not in self._names:
            self._names[said] = self._free(base)
            self.values[self._names[said]] = value
        return f"{{{self._names[said]}:{kind}}}"

    def _free(self, base: str) -> str:
        name, number = base, 1
        while name in self.values:
            number += 1
            name = f"{base}_{number}"
        return name


def identifier(text: str) -> str:
    """Letters a-z, digits and _ alone, beginning with a letter: safe as a name in SQL, whatever the text is."""
    name = _NO_NAME.sub("_", text.lower())[:NAME_CHARS_MAX].strip("_")
    return name if name and name[0].isalpha() else f"v_{name}".rstrip("_")


def backquoted(name: str) -> str:
    """Any text as a name, such as a key of a JSON column."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def quoted(text: str) -> str:
    """Any text as a literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def decimal_text(number: float) -> str:
    """Of an int or float as it is written: 0.1 is a tenth."""
    return format(Decimal(repr(number)), "f")


def plain(query: Query) -> str:
    """The same query as one text that runs as it stands."""
    return _PLACE.sub(lambda place: literal(place[2], query.parameters[place[1]]), query.sql)


def literal(kind: str, value: Any) -> str:
    if isinstance(value, list):
        inner = kind.removeprefix("Array(").removesuffix(")")
        return "[" + ", ".join(literal(inner, each) for each in value) + "]"
    if kind == MOMENT:
        return f"toDateTime64({quoted(value)}, 3, 'UTC')"
    if kind == MONEY:
        return f"toDecimal256({quoted(value)}, 18)"
    return quoted(value) if isinstance(value, str) else repr(value)
