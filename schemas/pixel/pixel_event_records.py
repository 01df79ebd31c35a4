"""Event definitions on the control topic: what `stitchline apply` writes for `pixel_events:`, and what it refuses.

A refusal says which entry, what is wrong with it, and how to mend it. Deliberately absent: Kafka, and files
(deploy/applying/configuration.py).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from schemas.definitions.names import Name
from schemas.definitions.shapes import in_words
from schemas.pixel.pixel_events import (
    ORIGINS,
    PREFIX,
    TRIGGERS,
    PixelEvent,
    PixelEventInput,
    Scroll,
    Taken,
    compact,
    key_of,
)
from schemas.pixel.pixel_selectors import why_no_selector

DEFINITIONS_PER_SOURCE_MAX: Final = 100
COMPACT_BYTES_PER_SOURCE_MAX: Final = 30_000  # every first view of a page of the site loads them

# What the pipeline takes out of every address, since it names people.
_NAMES_PEOPLE = frozenset({"contact_id", "ecid", "email", "em", "eh", "_c", "_sl"})
# The pixel refuses fields by their type, too; what is called so is refused where its author sees it.
_SECRET_FIELD = re.compile(
    r"pass(w|c|ph|\b|[\d_-])|pwd|secret|token|otp(\b|[\d_-])|card.?n|cc.?n|cvv|cvc|iban|security.?code|\bpin\b|\bssn\b",
    re.IGNORECASE,
)

Records = dict[str, bytes | None]  # by key; None deletes


class BadPixelEvent(ValueError):
    """The text says which definition, what is wrong with it, and how to mend it."""


class Deleted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry that says of an event that the pixel shall not make it any longer."""

    event: str
    source: Name
    deleted: bool


def pixel_event_records(entries: Iterable[Any]) -> Records:
    """Raises BadPixelEvent."""
    found: Records = {}
    for number, entry in enumerate(entries):
        place = _place(number, entry)
        try:
            key, document = _record(entry)
        except (msgspec.ValidationError, ValueError) as error:
            raise BadPixelEvent(f"{place}: {in_words(error)}") from error
        if key in found:
            raise BadPixelEvent(
                f"{place}: stands twice: each may stand once, give the second another event name"
            )
        found[key] = document
    return found


def refuse_unusable(
    definitions: Mapping[str, tuple[PixelEvent, ...]],
    sources: Iterable[str],
    records: Mapping[str, bytes | None],
) -> None:
    """Raises BadPixelEvent when a source that `records` give events does not exist, or has too many; `definitions` has the
    `records` in it, by source."""
    known = sorted(sources)
    written = (key for key, document in records.items() if key.startswith(PREFIX) and document is not None)
    for source in sorted({key.removeprefix(PREFIX).partition("/")[0] for key in written}):
        if source not in known:
            raise BadPixelEvent(
                f"pixel_events of source {source}: there is no such source, only {', '.join(known) or 'none at all'}: "
                "mend the name, or put the source into the same file"
            )
        _refuse_too_many(source, definitions.get(source, ()))


def _refuse_too_many(source: str, definitions: tuple[PixelEvent, ...]) -> None:
    if len(definitions) > DEFINITIONS_PER_SOURCE_MAX:
        raise BadPixelEvent(
            f"pixel_events of source {source}: {len(definitions)} of them, at most {DEFINITIONS_PER_SOURCE_MAX}: delete some "
            "with `deleted: true`"
        )
    size = len(msgspec.json.encode([compact(each) for each in definitions]))
    if size > COMPACT_BYTES_PER_SOURCE_MAX:
        raise BadPixelEvent(
            f"pixel_events of source {source}: {size} bytes in the pixel, at most {COMPACT_BYTES_PER_SOURCE_MAX}: shorten "
            "their selectors and constants, or delete some with `deleted: true`"
        )


def _place(number: int, entry: Any) -> str:
    said = entry if isinstance(entry, dict) else {}
    return f"pixel_events[{number}] (event {said.get('event')!r} of source {said.get('source')!r})"


def _record(entry: Any) -> tuple[str, bytes | None]:
    if isinstance(entry, dict) and "deleted" in entry:
        named = msgspec.convert(entry, Deleted)
        if not named.deleted:
            raise BadPixelEvent("`deleted: false` says nothing: leave it out")
        return key_of(named.source, named.event), None
    definition = msgspec.convert(_with_triggers(entry), PixelEventInput)
    _refuse_trigger(definition)
    for name, value in definition.properties.items():
        if isinstance(value, Taken):
            _refuse_property(name, value)
    return definition.key, msgspec.json.encode(definition)


def _with_triggers(entry: Any) -> Any:
    """`page:` with nothing behind it is the trigger without options. Raises BadPixelEvent unless there is exactly one."""
    trigger = entry.get("trigger") if isinstance(entry, dict) else None
    if not isinstance(trigger, dict):
        return entry
    if len(trigger) != 1:
        said = " and ".join(str(name) for name in trigger) or "none"
        raise BadPixelEvent(
            f"at trigger: {said}, and an event has exactly one: "
            + ("make an event of its own of each" if trigger else f"choose one of {', '.join(TRIGGERS)}")
        )
    return {**entry, "trigger": {name: {} if value is None else value for name, value in trigger.items()}}


def _refuse_trigger(definition: PixelEvent) -> None:
    name, trigger = definition.trigger.only()
    _refuse_selector(f"trigger.{name}.selector", getattr(trigger, "selector", None))
    if isinstance(trigger, Scroll) and (trigger.percents is None) == (trigger.selector is None):
        raise BadPixelEvent(
            "at trigger.scroll: give either percents (of the page) or selector (of an element)"
        )
    arrival = definition.trigger.arrival
    if arrival and len([value for value in (arrival.utm, arrival.referrer, arrival.channel) if value]) != 1:
        raise BadPixelEvent("at trigger.arrival: give exactly one of utm, referrer, channel")
    click = definition.trigger.click
    if click and not click.outbound and click.selector == "a[href]":
        raise BadPixelEvent("at trigger.click: say which elements with selector, or outbound: true")


def _refuse_property(name: str, taken: Taken) -> None:
    origins = [origin for origin in ORIGINS if getattr(taken, origin) is not None]
    if len(origins) != 1:
        raise BadPixelEvent(
            f"at properties.{name}: {' and '.join(origins) or 'nothing'} to take it from: give exactly one of "
            f"{', '.join(ORIGINS)}"
        )
    _refuse_selector(f"properties.{name}.of", taken.of)
    if taken.field and _SECRET_FIELD.search(taken.field):
        raise BadPixelEvent(
            f"at properties.{name}: a field called {taken.field!r} holds a secret: it is never read"
        )
    if taken.attribute and taken.attribute.lower() == "value":
        raise BadPixelEvent(f"at properties.{name}: what a field holds is read by its name: field: NAME")
    if taken.query and taken.query.lower() in _NAMES_PEOPLE:
        raise BadPixelEvent(
            f"at properties.{name}: the parameter {taken.query!r} names people, and is stored nowhere: "
            "take another one"
        )


def _refuse_selector(place: str, selector: str | None) -> None:
    if selector is not None and (why := why_no_selector(selector)):
        raise BadPixelEvent(f"at {place}: {selector[:80]!r} {why}")
