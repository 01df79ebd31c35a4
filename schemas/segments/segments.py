"""Segments as they are written down: conditions over what people did and are, as one tree of structs.

The same shape in YAML, JSON and on the control topic: `msgspec.convert` reads it, `document` writes it, and what was read and
written is the same tree. A condition, a window, a measure says exactly one thing; that, and every name, is checked by
schemas/segments/segment_reading.py, which every definition passes before it becomes a `Segment`. What a segment *means* stands in
docs/segments.md; its SQL is made in console/.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET

from schemas.definitions.names import Name

Number: TypeAlias = int | float
Scalar: TypeAlias = str | int | float | bool
Duration: TypeAlias = str  # "90d", "36h": exact, a day is 24 hours

MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def duration_ms(text: Duration) -> int:
    """Of a text that matches ^[1-9][0-9]{0,5}[smhdw]$."""
    return int(text[:-1]) * MS[text[-1]]


class Calendar(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The last n days, weeks or months of the segment's zone (`full`: without the one that is running), or the running one."""

    last: int | None = None
    unit: Literal["day", "week", "month"] | None = None
    full: bool = False
    this: Literal["day", "week", "month"] | None = None


class Window(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """From (inclusive) to (exclusive), relative to the instant T of an evaluation. `ahead` is for dates of traits alone."""

    last: Duration | None = None
    ago: tuple[Duration, Duration] | None = None
    from_: str | None = msgspec.field(default=None, name="from")  # instants, ISO 8601
    to: str | None = None
    calendar: Calendar | None = None
    ahead: Duration | None = None


class Comparison(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One of them; `between` has both ends in it. With `path` where values of events are measured."""

    eq: Number | None = None
    gte: Number | None = None
    lte: Number | None = None
    gt: Number | None = None
    lt: Number | None = None
    between: tuple[Number, Number] | None = None


class Measured(Comparison, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """A comparison of what is measured at `path`."""

    path: str


class Filter(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A test of one event: of the value at `path`, of the elements of an array, or several of these."""

    path: str | None = None
    op: str | None = None
    value: Any = UNSET
    any: "ElementFilter | None" = None
    all: "ElementFilter | None" = None
    none: "ElementFilter | None" = None
    all_of: "list[Filter] | None" = None
    any_of: "list[Filter] | None" = None
    none_of: "list[Filter] | None" = None


class ElementFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of the array at `path`: one element passes all of `where`, whose paths are the element's."""

    path: str
    where: list[Filter]


def paths_named(filters: Iterable[Filter]) -> Iterator[str]:
    """By the filters, of elements' elements too, which no item has."""
    for each in filters:
        if each.path is not None:
            yield each.path
        for listed in (each.all_of, each.any_of, each.none_of):
            yield from paths_named(listed or [])
        for inner in (each.any, each.all, each.none):
            if inner is not None:
                yield f"{inner.path}[]"


class Selection(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which events: by name, type and filters. `*` is every track, page and screen."""

    event: str | list[str]
    type: Literal["track", "page", "screen"] | None = None
    where: list[Filter] = []


class Did(Selection, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """A measure over the matching events; without one: at least one event."""

    window: Window | None = None
    count: Comparison | None = None
    days: Comparison | None = None
    distinct: Measured | None = None
    sum: Measured | None = None
    avg: Measured | None = None
    min: Measured | None = None
    max: Measured | None = None


class Moment(Selection, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """The first or the last of the matching events: it lies in `window`, and passes `having`."""

    window: Window | None = None
    having: list[Filter] = []


class Sequence(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Two to six steps in order, all within a time. `same`: one value at that path. `without`: nothing of that in between."""

    steps: list[Selection]
    within: Duration
    window: Window | None = None
    without: Selection | None = None
    same: str | None = None


class Absent(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Something was done and something else then was not, in time."""

    did: Selection
    then_not: Selection
    within: Duration
    window: Window | None = None
    same: str | None = None


class Trait(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is told of a person, or of a group; a dotted name reaches into an object."""

    name: str
    op: str
    value: Any = UNSET


class ProfileIs(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Known from the events themselves: when a person was seen, and by which channel they came."""

    first_seen: Window | None = None
    last_seen: Window | None = None
    channel_first: list[str] | None = None
    channel_last: list[str] | None = None


class IdIs(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Kinds of identifier: email, user, anonymous, external:TYPE."""

    has: str | None = None
    lacks: str | None = None


class Group(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Traits of the groups that a person's group calls named, any of them or the latest."""

    where: list[Trait]
    which: Literal["any", "last"] = "any"


class Condition(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One of these."""

    all: "list[Condition] | None" = None
    any: "list[Condition] | None" = None
    not_: "Condition | None" = msgspec.field(default=None, name="not")
    did: Did | None = None
    first: Moment | None = None
    last: Moment | None = None
    sequence: Sequence | None = None
    absent: Absent | None = None
    trait: Trait | None = None
    profile: ProfileIs | None = None
    id: IdIs | None = None
    group: Group | None = None
    in_segment: Name | None = None
    in_list: Name | None = None


class People(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Who can be a member at all. `known`: does the profile own an identifier that is more than a device?"""

    known: bool | Literal["any"] = True
    bots: Literal["exclude", "include", "only"] = "exclude"


class Segment(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """One segment. `timezone` "": the workspace's (UTC unless the deployment says otherwise)."""

    segment: Name
    where: Condition
    workspace: Name = "main"
    timezone: str = ""
    people: People = People()
    description: str = ""


def document(segment: Segment) -> dict[str, Any]:
    """As it is written in YAML or JSON, what is at its default left out."""
    written: dict[str, Any] = msgspec.to_builtins(segment)
    return written
