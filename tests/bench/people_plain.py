"""What look-ups and journeys must say, asked in the plain way: of the views over everybody, for all people at once.

Raises AssertionError with whom and what, where an answer is another one.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from clickhouse_connect.driver.client import Client

from console.journey import Journey, Step
from console.profiles import Profile
from console.times import iso
from schemas.identity.identifiers import profile_id

_PROFILES = """\
SELECT profile_id, user_id, emails, anonymous_ids, traits, first_seen, last_seen, events
FROM profiles WHERE profile_id IN ({ids})"""

_EVENTS = """\
SELECT profile, timestamp, message_id, lineage, toString(type), toString(event), name, anonymous_id,
    user_id, toString(properties), traits, page.url,
    (toString(device.kind), toString(device.os), toString(device.browser), device.is_bot)
FROM events_resolved WHERE profile IN ({ids})"""


def must_be_equal(client: Client, found: Sequence[Profile]) -> None:
    ids = ", ".join(f"'{each.profile_id}'" for each in found)
    stated = {row[0]: _stated(row) for row in client.query(_PROFILES.replace("{ids}", ids)).result_rows}
    for each in found:
        _same(each.profile_id, _told(each), stated.get(each.profile_id))


def journeys_must_be_equal(client: Client, found: Mapping[int, Journey], limit: int) -> None:
    """Pages that begin with the last event."""
    by_profile = defaultdict[int, list[Sequence[Any]]](list)
    for profile, *row in client.query(_EVENTS.replace("{ids}", ", ".join(map(str, found)))).result_rows:
        by_profile[profile].append(row)
    for profile, journey in found.items():
        rows = sorted(by_profile[profile], key=lambda row: tuple(row[:2]), reverse=True)
        _same(
            profile_id(profile), [_shown(step) for step in journey.steps], [_row(row) for row in rows[:limit]]
        )
        _same(profile_id(profile), journey.next is not None, len(rows) > limit)


def _same(whose: str, told: object, stated: object) -> None:
    if told != stated:
        raise AssertionError(f"{whose}: told {told}, the plain way {stated}")


def _told(profile: Profile) -> tuple[object, ...]:
    traits = {name: json.loads(bytes(value)) for name, value in profile.traits.items()}
    return (
        profile.user_id, sorted(profile.emails), sorted(profile.anonymous_ids), traits,
        profile.first_seen, profile.last_seen, profile.events,
    )  # fmt: skip


def _stated(row: Sequence[Any]) -> tuple[object, ...]:
    _, user_id, emails, anonymous_ids, traits, first_seen, last_seen, events = row
    return (
        user_id,
        sorted(emails),
        sorted(anonymous_ids),
        json.loads(traits),
        iso(first_seen),
        iso(last_seen),
        events,
    )


def _shown(step: Step) -> tuple[object, ...]:
    device = step.device
    return (
        step.timestamp, step.message_id, step.lineage, step.type, step.event, step.name, step.anonymous_id, step.user_id,
        json.loads(bytes(step.properties)), json.loads(bytes(step.traits)), step.url,
        (device.kind, device.os, device.browser, device.is_bot),
    )  # fmt: skip


def _row(row: Sequence[Any]) -> tuple[object, ...]:
    at, message_id, lineage, kind, event, name, anonymous_id, user_id, properties, traits, url, device = row
    return (
        iso(at), message_id, lineage, kind, event, name, anonymous_id, user_id,
        json.loads(properties), json.loads(traits), url, tuple(device),
    )  # fmt: skip
