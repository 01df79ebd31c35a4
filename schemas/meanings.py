"""What tables, views and their columns mean: schemas/meanings/*.yaml, the one place where that is written.

`stitchline migrate` puts it into ClickHouse as comments, docs/data.md and the dbt sources are made of it. A test names what
lacks a meaning. Deliberately absent: types, which the engine knows.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec

COMMON = "common.yaml"
INNER = ("Null", "MaterializedView")


class Meaning(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table. `time`: the column by which it is cut into days; `final`: read with FINAL; `like`: tables that a column's
    meaning is taken from when it is not said here; `arguments`: with which a view that takes some can be asked."""

    about: str
    columns: dict[str, str] = {}
    time: str = ""
    final: bool = False
    like: tuple[str, ...] = ()
    arguments: str = ""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file, one part of the page."""

    title: str
    place: int
    tables: dict[str, Meaning]


class Meanings(msgspec.Struct, frozen=True):
    sections: tuple[Section, ...]
    common: dict[str, str]

    @property
    def tables(self) -> dict[str, Meaning]:
        return {name: meaning for section in self.sections for name, meaning in section.tables.items()}

    def of(self, table: str, column: str) -> str:
        """Empty where nothing is said."""
        return _said(self.tables, table, column) or self.common.get(column, "")


def _said(tables: Mapping[str, Meaning], table: str, column: str) -> str:
    meaning = tables.get(table)
    if meaning is None:
        return ""
    return meaning.columns.get(column) or next(
        (said for other in meaning.like if (said := _said(tables, other, column))), ""
    )


def is_inner(engine: str) -> bool:
    """What the sinks insert into and the views that carry it on: nobody queries them."""
    return engine in INNER


@cache
def kept_meanings() -> Meanings:
    """Those of this release."""
    folder = files("schemas") / "meanings"
    found = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.name.endswith(".yaml")}
    common = msgspec.yaml.decode(found.pop(COMMON), type=dict[str, str])
    sections = [msgspec.yaml.decode(text, type=Section) for text in found.values()]
    return Meanings(tuple(sorted(sections, key=lambda section: (section.place, section.title))), common)
