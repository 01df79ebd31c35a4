"""A person's devices, and from when to when they were seen: SQL and what is made of its answer. Pure.

A device is an anonymous id with one kind of device, system and browser. Events of servers, which name none of these, count
for the person's totals and are no device.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from console.people import Person, Place
from console.question import Question
from console.times import iso

DEVICES_MAX = 100

_DEVICES = """\
SELECT
    anonymous_id,
    toString(device.kind) AS kind,
    toString(device.brand) AS brand,
    toString(device.model) AS model,
    toString(device.os) AS os,
    toString(device.browser) AS browser,
    device.is_bot AS is_bot,
    argMax(toString(device.os_version), timestamp) AS os_version,
    argMax(toString(device.browser_version), timestamp) AS browser_version,
    min(timestamp) AS first_seen,
    max(timestamp) AS last_seen,
    count() AS events,
    min(first_seen) OVER () AS person_first_seen,
    max(last_seen) OVER () AS person_last_seen,
    sum(events) OVER () AS person_events
FROM events
THEIRS
GROUP BY anonymous_id, kind, brand, model, os, browser, is_bot
ORDER BY last_seen DESC, anonymous_id, kind, os, browser, brand, model
LIMIT {limit:UInt64}
BY_SUBJECT"""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    anonymous_id: str
    kind: str
    brand: str
    model: str
    os: str
    os_version: str
    browser: str
    browser_version: str
    is_bot: bool
    first_seen: str
    last_seen: str
    events: int


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """From when to when, how often, and by which devices."""

    first_seen: str
    last_seen: str
    events: int
    devices: list[Device]


def devices_of(place: Place, person: Person) -> Question:
    return place.asking(_DEVICES, profile=person.profile, subjects=person.subjects, limit=DEVICES_MAX)


def stay(rows: Sequence[Sequence[Any]]) -> Stay | None:
    """None when there is no event, and so nobody."""
    if not rows:
        return None
    first_seen, last_seen, events = rows[0][12:15]
    return Stay(
        first_seen=iso(first_seen),
        last_seen=iso(last_seen),
        events=events,
        devices=[_device(row) for row in rows if row[0] or row[1]],
    )


def _device(row: Sequence[Any]) -> Device:
    anonymous_id, kind, brand, model, os, browser, is_bot, os_version, browser_version = row[:9]
    return Device(
        anonymous_id=anonymous_id, kind=kind, brand=brand, model=model, os=os, os_version=os_version, browser=browser,
        browser_version=browser_version, is_bot=is_bot, first_seen=iso(row[9]), last_seen=iso(row[10]), events=row[11],
    )  # fmt: skip
