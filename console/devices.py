"""A person's devices, and from when to when they were seen: SQL and what is made of its answer. Pure.

A device is an anonymous id with one kind of device, system and browser. Events of servers, which name none of these, count
for the person's totals and are no device. Table `subject_devices` has them by subject; of a device that several people used
only the events can say which were whose.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from console.people import Person, Place
from console.question import Question
from console.times import iso

DEVICES_MAX = 100

_STORED = """\
    SELECT
        anonymous_id,
        toString(subject_devices.kind) AS kind,
        toString(subject_devices.brand) AS brand,
        toString(subject_devices.model) AS model,
        toString(subject_devices.os) AS os,
        toString(subject_devices.browser) AS browser,
        is_bot,
        latest,
        first_seen,
        events,
        if(subject_type IN ('a', 'm'), NULL, first_seen) AS known_since
    FROM subject_devices
    WHERE workspace = {workspace:String} AND subject IN {sure:Array(UInt64)}"""

_SHARED = """\
    SELECT
        anonymous_id,
        toString(device.kind),
        toString(device.brand),
        toString(device.model),
        toString(device.os),
        toString(device.browser),
        device.is_bot,
        max((timestamp, toString(device.os_version), toString(device.browser_version))),
        min(timestamp),
        count(),
        NULL
    FROM events
    THEIRS
    GROUP BY ALL"""

_DEVICES = """\
SELECT
    anonymous_id, kind, brand, model, os, browser, is_bot,
    (max(latest) AS last).2 AS os_version,
    last.3 AS browser_version,
    min(first_seen) AS first,
    last.1 AS until,
    sum(events) AS count,
    toUnixTimestamp64Milli(min(known_since))
FROM
(
ROWS
)
GROUP BY anonymous_id, kind, brand, model, os, browser, is_bot
ORDER BY until DESC, anonymous_id, kind, os, browser, brand, model"""


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
    """From when to when, how often, and by which devices, of which the latest are listed. `known_since_ms` None: by nothing but
    devices."""

    first_seen: str
    last_seen: str
    events: int
    known_since_ms: int | None
    devices: list[Device]


def devices_of(place: Place, person: Person) -> Question:
    """Events are looked at for the devices that are not theirs alone, and only where there are some."""
    rows, ending = (
        (f"{_STORED}\n    UNION ALL\n{_SHARED}", "\nBY_SUBJECT") if person.unsure else (_STORED, "")
    )
    return place.asking(
        _DEVICES.replace("ROWS", rows) + ending,
        profile=person.profile,
        sure=person.sure,
        subjects=person.unsure,
    )


def stay(rows: Sequence[Sequence[Any]]) -> Stay | None:
    """None when there is no event, and so nobody."""
    if not rows:
        return None
    known = [row[12] for row in rows if row[12] is not None]
    listed = [row for row in rows if row[0] or row[1]]
    return Stay(
        first_seen=iso(min(row[9] for row in rows)),
        last_seen=iso(rows[0][10]),  # they come by that
        events=sum(row[11] for row in rows),
        known_since_ms=min(known, default=None),
        devices=[_device(row) for row in listed[:DEVICES_MAX]],
    )


def _device(row: Sequence[Any]) -> Device:
    anonymous_id, kind, brand, model, os, browser, is_bot, os_version, browser_version = row[:9]
    return Device(
        anonymous_id=anonymous_id, kind=kind, brand=brand, model=model, os=os, os_version=os_version, browser=browser,
        browser_version=browser_version, is_bot=is_bot, first_seen=iso(row[9]), last_seen=iso(row[10]), events=row[11],
    )  # fmt: skip
