"""What came out, in SQL, beside what must have come out."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client
from prometheus_client.parser import text_string_to_metric_families

from deploy.demo.traffic import Person, Traffic

SEGMENT_SQL = """\
SELECT profile_id, user_id, emails
FROM profiles
WHERE profile_id IN (
    SELECT profile_id
    FROM events_resolved
    WHERE timestamp >= now() - INTERVAL 7 DAY
    GROUP BY profile_id
    HAVING countIf(event = 'Product Added') >= 2 AND countIf(event = 'Order Completed') = 0)
ORDER BY user_id"""

JOURNEY_SQL = """\
SELECT timestamp, type, if(event != '', event, name) AS what, anonymous_id, user_id
FROM events_resolved
WHERE profile_id = (SELECT profile_id FROM profiles WHERE user_id = {user_id:String})
ORDER BY timestamp, message_id"""

BEFORE = "by what came later"
ACCEPTED = "events accepted by the collector"
LEDGER_SQL = "SELECT outcome, sum(events) FROM ledger GROUP BY outcome"


class Check(msgspec.Struct, frozen=True):
    """One number: what it is, what it must be, what it is."""

    name: str
    expected: object
    found: object

    @property
    def is_right(self) -> bool:
        return self.expected == self.found


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the demonstration prints."""

    checks: Sequence[Check]
    journey: Sequence[Sequence[Any]]
    segment: Sequence[Sequence[Any]]

    @property
    def is_right(self) -> bool:
        return all(check.is_right for check in self.checks)


class Taken(msgspec.Struct, frozen=True):
    """What the collector counted: events on their way, and events that became dead letters at the door."""

    accepted: int
    refused: int


def taken(metrics: str) -> Taken:
    """From the collector's /metrics."""
    counted = {"accepted": 0, "rejected": 0}
    for family in text_string_to_metric_families(metrics):
        for kind in counted:
            if family.name == f"stitchline_collector_{kind}_events":
                counted[kind] += int(sum(s.value for s in family.samples if s.name.endswith("_total")))
    return Taken(counted["accepted"], counted["rejected"])


def examine(client: Client, traffic: Traffic, at_the_door: Taken) -> Outcome:
    """Ask ClickHouse for every number. Cheap enough to be asked until all is right."""
    segment = client.query(SEGMENT_SQL).result_rows
    shown = traffic.two_devices
    journey = client.query(JOURNEY_SQL, parameters={"user_id": shown.user_id}).result_rows
    found_users = sorted(row[1] for row in segment)
    checks = [
        *_conservation(client, traffic, at_the_door),
        Check("people", len(traffic.people), _number(client, "SELECT count() FROM profiles")),
        Check("people with more than one device", *_two_devices(client, traffic)),
        Check(f"events in the journey of {shown.user_id}", len(shown.calls), len(journey)),
        Check("of them from before the device was known", _before(shown), _unknown(journey, shown)),
        Check("segment: carts without an order", traffic.lapsed_carts, found_users),
    ]
    return Outcome(checks=checks, journey=journey, segment=segment)


def _conservation(client: Client, traffic: Traffic, at_the_door: Taken) -> list[Check]:
    """Three counts that are not made from each other: what was sent, what the collector took, what ClickHouse has."""
    ledger = {str(row[0]): int(row[1]) for row in client.query(LEDGER_SQL).result_rows}
    stored = _number(client, "SELECT count() FROM events_resolved")
    dead = _number(client, "SELECT count() FROM dead_letters")
    duplicates = ledger.get("duplicate", 0)
    return [
        Check(ACCEPTED, traffic.accepted, at_the_door.accepted + at_the_door.refused),
        Check("stored + duplicates + dead letters", traffic.accepted, stored + duplicates + dead),
        Check("of them taken by the resolver", at_the_door.accepted, ledger.get("accepted", 0)),
        Check("events stored", traffic.stored, stored),
        Check("duplicates dropped", traffic.duplicates, duplicates),
        Check("dead letters", len(traffic.refused), dead),
    ]


def _two_devices(client: Client, traffic: Traffic) -> tuple[int, int]:
    expected = sum(len(person.devices) > 1 for person in traffic.people)
    return expected, _number(client, "SELECT count() FROM profiles WHERE length(anonymous_ids) > 1")


def _before(person: Person) -> int:
    """Events of a device from before anything told whose it is."""
    return sum(
        not call.user_id and call.timestamp < person.known_at[call.anonymous_id] for call in person.calls
    )


def _unknown(journey: Sequence[Sequence[Any]], person: Person) -> int:
    return sum(_standing(*row, person=person) == BEFORE for row in journey)


def _number(client: Client, sql: str) -> int:
    return int(client.query(sql).result_rows[0][0])


def lines(outcome: Outcome, traffic: Traffic) -> list[str]:
    """The report as text."""
    shown = traffic.two_devices
    text = [
        "",
        f"The journey of {shown.user_id} ({shown.email}) over two devices, and how each event is known to be theirs:",
    ]
    for row in outcome.journey:
        at, kind, what, device, _ = row
        who = f"device {device[:8]}" if device else "server"
        text.append(f"  {at:%Y-%m-%d %H:%M}  {kind:<9} {what:<16} {who:<16} {_standing(*row, person=shown)}")
    text += [
        "",
        "Segment: added to cart twice, never ordered, last 7 days",
        *(f"  {line}" for line in SEGMENT_SQL.splitlines()),
        "",
    ]
    text += [f"  {profile}  {user}  {', '.join(emails)}" for profile, user, emails in outcome.segment]
    text += ["", *(_line(check) for check in outcome.checks)]
    by_name = {check.name: check.found for check in outcome.checks}
    text += [
        "",
        "accepted {} = stored {} + duplicates {} + dead letters {}".format(
            by_name[ACCEPTED],
            by_name["events stored"],
            by_name["duplicates dropped"],
            by_name["dead letters"],
        ),
    ]
    return text


def _standing(at: datetime, _kind: str, _what: str, device: str, user: str, *, person: Person) -> str:
    """How much was known when the event happened. ClickHouse's client gives UTC without a zone."""
    if user:
        return "by their user id"
    known_at = datetime.fromisoformat(person.known_at[device])
    return "by their device" if at.replace(tzinfo=UTC) >= known_at else BEFORE


def _line(check: Check) -> str:
    if check.is_right:
        shown = len(check.found) if isinstance(check.found, list) else check.found
        return f"  right  {check.name}: {shown}"
    return f"  WRONG  {check.name}: {check.found}, must be {check.expected}"
