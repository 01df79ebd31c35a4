"""A person's journey: their events over all devices in the order of event time, page by page. SQL and what is made of it. Pure.

Events of one moment stand in the order of their message ids, then of their places in the raw log, so the order is total and
a page begins exactly where the one before it ended, whatever has come in meanwhile. Of a contested device only those events
are in it that happened while it was the person's.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from console.json_text import as_json
from console.people import Person, Place
from console.question import Question
from console.times import epoch_ms, iso

_COLUMNS = """\
    timestamp, message_id, toString(type), toString(event), name, toString(source), anonymous_id, user_id, group_id, session_id,
    if(channel = '' AND session_id != '', 'direct', toString(channel)),
    (toString(touch.channel), touch.source, touch.medium, touch.campaign),
    (toString(device.kind), toString(device.os), toString(device.browser), device.is_bot),
    url, subject_type, properties, traits,
    raw_partition, raw_offset, raw_index"""

_ORDERS = {
    "asc": ("ORDER BY timestamp, message_id, raw_partition, raw_offset, raw_index", ">"),
    "desc": (
        "ORDER BY timestamp DESC, message_id DESC, raw_partition DESC, raw_offset DESC, raw_index DESC",
        "<",
    ),
}

_AFTER = """\
 AND timestamp {than}= fromUnixTimestamp64Milli({{after:Int64}}, 'UTC')
    AND (toUnixTimestamp64Milli(timestamp), message_id, raw_partition, raw_offset, raw_index) {than} \
({{after:Int64}}, {{after_id:String}}, {{after_partition:Int32}}, {{after_offset:Int64}}, {{after_index:Int32}})"""


class BadCursor(ValueError):
    """The text is no cursor of ours."""


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The last event of a page: where the next one begins."""

    at_ms: int
    message_id: str
    raw_partition: int
    raw_offset: int
    raw_index: int

    def text(self) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """Which events: names of `events` (of a track call, a page or a screen) or types, from `since_ms` up to before `until_ms`."""

    limit: int
    order: Literal["asc", "desc"] = "asc"
    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    since_ms: int | None = None
    until_ms: int | None = None
    after: Cursor | None = None


class Touch(msgspec.Struct, frozen=True):
    channel: str
    source: str
    medium: str
    campaign: str


class Agent(msgspec.Struct, frozen=True):
    kind: str
    os: str
    browser: str
    is_bot: bool


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `channel` is what brought its visit, `touch` what the event itself says of it. `before_known`: nobody knew yet
    who this was when it happened."""

    timestamp: str
    message_id: str
    type: str
    event: str
    name: str
    source: str
    anonymous_id: str
    user_id: str
    group_id: str
    session_id: str
    channel: str
    touch: Touch | None
    device: Agent
    url: str
    before_known: bool
    properties: msgspec.Raw
    traits: msgspec.Raw
    lineage: str


class Journey(msgspec.Struct, frozen=True):
    """One page; `next` None: there is no further event, as yet."""

    steps: list[Step]
    next: Cursor | None


def cursor(text: str) -> Cursor:
    """Raises BadCursor."""
    try:
        padded = text + "=" * (-len(text) % 4)
        return msgspec.json.decode(base64.b64decode(padded, b"-_", validate=True), type=Cursor)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise BadCursor(
            "the cursor is none that an answer of ours has given: leave it out to begin anew"
        ) from error


def journey_of(place: Place, person: Person, wish: Wish) -> Question:
    """One more than asked for, to know whether there is a further page."""
    order, than = _ORDERS[wish.order]
    wheres, values = _wheres(wish)
    if wish.after:
        wheres += _AFTER.format(than=than)
        values |= _after(wish.after)
    sql = f"SELECT\n{_COLUMNS}\nFROM subject_events\nTHEIRS{wheres}\n{order}\nLIMIT {{limit:UInt64}}"
    return place.asking(sql, profile=person.profile, subjects=person.subjects, limit=wish.limit + 1, **values)


def journey(wish: Wish, rows: Sequence[Sequence[Any]], known_since_ms: int | None) -> Journey:
    """Where events stand twice until parts are merged, as after a migration that was cut off and run again, a page has fewer."""
    shown = rows[: wish.limit]
    steps = [
        _step(row, known_since_ms)
        for place, row in enumerate(shown)
        if place == 0 or _key(row) != _key(shown[place - 1])
    ]
    return Journey(steps, _place(rows[wish.limit - 1]) if len(rows) > wish.limit else None)


def _wheres(wish: Wish) -> tuple[str, dict[str, Any]]:
    wheres, values = "", dict[str, Any]()
    if wish.names:
        wheres += " AND (event IN {names:Array(String)} OR (event = '' AND name IN {names:Array(String)}))"
        values["names"] = list(wish.names)
    if wish.types:
        wheres += " AND type IN {types:Array(String)}"
        values["types"] = list(wish.types)
    if wish.since_ms is not None:
        wheres += " AND timestamp >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')"
        values["since"] = wish.since_ms
    if wish.until_ms is not None:
        wheres += " AND timestamp < fromUnixTimestamp64Milli({until:Int64}, 'UTC')"
        values["until"] = wish.until_ms
    return wheres, values


def _after(last: Cursor) -> dict[str, Any]:
    return {
        "after": last.at_ms,
        "after_id": last.message_id,
        "after_partition": last.raw_partition,
        "after_offset": last.raw_offset,
        "after_index": last.raw_index,
    }


def _place(row: Sequence[Any]) -> Cursor:
    return Cursor(epoch_ms(row[0]), row[1], *row[-3:])


def _key(row: Sequence[Any]) -> tuple[Any, ...]:
    """Two rows that have it in common are one event, stored twice: they follow each other."""
    return (row[0], row[1], row[3], *row[-3:])


def _step(row: Sequence[Any], known_ms: int | None) -> Step:
    (timestamp, message_id, kind, event, name, source, anonymous_id, user_id, group_id, session_id, channel, touch, device, url,
     _, properties, traits, *place) = row  # fmt: skip
    return Step(
        timestamp=iso(timestamp),
        message_id=message_id,
        type=kind,
        event=event,
        name=name,
        source=source,
        anonymous_id=anonymous_id,
        user_id=user_id,
        group_id=group_id,
        session_id=session_id,
        channel=channel,
        touch=Touch(*touch) if touch[0] else None,
        device=Agent(*device),
        url=url,
        before_known=known_ms is None or epoch_ms(timestamp) < known_ms,
        properties=as_json(properties),
        traits=as_json(traits),
        lineage=":".join(map(str, place)),
    )
