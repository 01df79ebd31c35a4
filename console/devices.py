"""A person's devices, and from when to when they were seen: what is made of the rows about their nodes. Pure.

A device is an anonymous id with one kind of device, system and browser. Events of servers, which name none of these, count
for the person's totals and are no device.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from console.details import DEVICE, Detail
from console.times import epoch_ms, iso

DEVICES_MAX = 100
ONLY_DEVICES = ("a", "m")  # types of subjects that name nobody


class _Key(NamedTuple):
    """What makes a device one, in the order in which those that were seen last at one time are listed."""

    anonymous_id: str
    kind: str
    os: str
    browser: str
    brand: str
    model: str
    is_bot: bool


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


class _Seen(msgspec.Struct):
    """One device as it is put together."""

    last: tuple[datetime, tuple[str, ...]]
    first: datetime
    events: int


def known_since_ms(rows: Sequence[Detail]) -> int | None:
    """The first event under a node that names them by more than a device; None: there is none."""
    known = [row.first_seen for row in rows if row.part == DEVICE and row.subject_type not in ONLY_DEVICES]
    return min(map(epoch_ms, known), default=None)


def stay(rows: Sequence[Detail]) -> Stay | None:
    """Of the rows that are a person's own. None when there is no event, and so nobody."""
    found = _by_device(rows)
    if not found:
        return None
    latest = sorted(sorted(found.items()), key=lambda each: each[1].last[0], reverse=True)
    listed = [each for each in latest if each[0].anonymous_id or each[0].kind]
    return Stay(
        first_seen=iso(min(each.first for each in found.values())),
        last_seen=iso(latest[0][1].last[0]),
        events=sum(each.events for each in found.values()),
        known_since_ms=known_since_ms(rows),
        devices=[_device(key, each) for key, each in listed[:DEVICES_MAX]],
    )


def _by_device(rows: Sequence[Detail]) -> dict[_Key, _Seen]:
    found: dict[_Key, _Seen] = {}
    for row in rows:
        if row.part != DEVICE:
            continue
        brand, model, os, browser, is_bot = row.about
        key = _Key(row.name, row.kind, os, browser, brand, model, is_bot == "1")
        last = (row.seen, row.said)
        if seen := found.get(key):
            seen.last, seen.first = max(seen.last, last), min(seen.first, row.first_seen)
            seen.events += row.events
        else:
            found[key] = _Seen(last, row.first_seen, row.events)
    return found


def _device(key: _Key, seen: _Seen) -> Device:
    last_seen, (os_version, browser_version) = seen.last
    return Device(
        anonymous_id=key.anonymous_id, kind=key.kind, brand=key.brand, model=key.model, os=key.os, os_version=os_version,
        browser=key.browser, browser_version=browser_version, is_bot=key.is_bot, first_seen=iso(seen.first),
        last_seen=iso(last_seen), events=seen.events,
    )  # fmt: skip
