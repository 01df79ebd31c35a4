"""The semantic catalogue: the events whose names and properties mean something to everybody, as the public spec of the tracking
API lists them (ecommerce with the names of its first version, mobile, A/B testing, email, live chat, video).

The facts are data, schemas/semantic/*.json; this module reads them into `EventSpec`s and decides which event a name means. In
those files a type is one of `Basic`, a list of words, or a shape (an object with known fields), also "list of TYPE" and
"TYPE or TYPE". An event has the fields of the shapes that it is `like`, and its own.

A name means an event when both are the same letters and digits, whatever their case: "Product Added", "product_added",
"productAdded". Other orders of the words ("Added Product") are aliases in the data, never guessed. A property goes by its
name, by that name in camel case, and by what the data says it is `also` called.

Deliberately absent: any check of a value, which is processors/enrichment/semantics.py's.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal, get_args

import msgspec

NAME_CHARS_MAX = 100  # no longer one means an event of the catalogue
NAMES_REMEMBERED_MAX = 4_096  # a source sends few names again and again

FILES = ("ab_testing", "ecommerce", "email", "live_chat", "mobile", "video")

Basic = Literal["text", "number", "money", "integer", "boolean", "date", "object", "list"]
_BASIC = frozenset(get_args(Basic))


class Kind(msgspec.Struct, frozen=True):
    """One type that a value may have. `words`: the only texts allowed; `fields`: of an object; `items`: of a list's."""

    basic: Basic
    words: tuple[str, ...] = ()
    fields: "Fields | None" = None
    items: "tuple[Kind, ...]" = ()


class Property(msgspec.Struct, frozen=True):
    """`names`: all that it may be called, its own first. `kinds`: any of them."""

    names: tuple[str, ...]
    kinds: tuple[Kind, ...]


Fields = dict[str, Property]


class EventSpec(msgspec.Struct, frozen=True, kw_only=True):
    """`required`: of each group of names at least one. `context`: the fields of the context that mean something to it."""

    name: str
    family: str
    properties: Fields
    context: Fields
    required: tuple[tuple[str, ...], ...]


class _Alias(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str
    also: tuple[str, ...] = ()


_Shape = dict[str, str | _Alias]


class _Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    aliases: tuple[str, ...] = ()
    like: tuple[str, ...] = ()
    properties: _Shape = {}
    context: str = ""
    required: tuple[tuple[str, ...], ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    family: str
    events: list[_Event]
    shapes: dict[str, _Shape] = {}
    words: dict[str, tuple[str, ...]] = {}

    def fields(self, shape: _Shape) -> Fields:
        return {name: self._property(name, said) for name, said in shape.items()}

    def _property(self, name: str, said: str | _Alias) -> Property:
        alias = said if isinstance(said, _Alias) else _Alias(said)
        names = dict.fromkeys((name, _camel(name), *alias.also))
        return Property(tuple(names), self._kinds(alias.type))

    def _kinds(self, type: str) -> tuple[Kind, ...]:
        return tuple(self._kind(part) for part in type.split(" or "))

    def _kind(self, type: str) -> Kind:
        if type.startswith("list of "):
            return Kind("list", items=self._kinds(type.removeprefix("list of ")))
        if type in _BASIC:
            return Kind(msgspec.convert(type, Basic))
        if type in self.words:
            return Kind("text", words=self.words[type])
        return Kind("object", fields=self.fields(self.shapes[type]))

    def spec(self, event: _Event) -> EventSpec:
        shape = {name: said for like in event.like for name, said in self.shapes[like].items()}
        return EventSpec(
            name=event.name,
            family=self.family,
            properties=self.fields(shape | event.properties),
            context=self.fields(self.shapes[event.context]) if event.context else {},
            required=event.required,
        )


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)


def letters(name: str) -> str:
    """What of a name counts."""
    return "".join(filter(str.isalnum, name)).casefold()


@cache
def catalogue() -> Mapping[str, EventSpec]:
    """By the letters of every name and alias."""
    specs: dict[str, EventSpec] = {}
    for stem in FILES:
        text = files("schemas").joinpath("semantic", f"{stem}.json").read_bytes()
        file = msgspec.json.decode(text, type=_File)
        for event in file.events:
            spec = file.spec(event)
            for name in (event.name, *event.aliases):
                assert letters(name) not in specs, f"{name!r} stands twice in the catalogue"
                specs[letters(name)] = spec
    return specs


def event_spec(name: str) -> EventSpec | None:
    """The event of the catalogue that a name means, if any."""
    return _remembered_spec(name) if len(name) <= NAME_CHARS_MAX else None


@lru_cache(NAMES_REMEMBERED_MAX)
def _remembered_spec(name: str) -> EventSpec | None:
    return catalogue().get(letters(name))
