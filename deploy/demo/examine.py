"""What came out, asked by the ready queries that everybody has, beside what must have come out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client
from prometheus_client.parser import text_string_to_metric_families

from deploy.demo.oracle import Channel, Expected, Said, Step
from deploy.queries import ready

# Clients stamp requests, so a time is moved by how long its request was on its way.
MOVED_MAX = timedelta(seconds=30)

WITH_ACCOUNT = "SELECT count() FROM profiles WHERE user_id != ''"
ON_TWO_DEVICES = "SELECT count() FROM profiles WHERE length(anonymous_ids) > 1"
TIMES = "SELECT timestamp FROM events_resolved ORDER BY timestamp"
SAID = "SELECT type, if(event != '', event, name), anonymous_id, user_id FROM events_resolved"
ALL_PEOPLE = "SELECT count() FROM profiles"

Rows = Sequence[Sequence[Any]]


class Check(msgspec.Struct, frozen=True):
    """One number, or one list: what it is, what it must be, what it is found to be."""

    name: str
    expected: object
    found: object

    @property
    def is_right(self) -> bool:
        return self.expected == self.found


class AtTheDoor(msgspec.Struct, frozen=True):
    """The collector's own counts, which no other number is made from: events on their way, and requests answered 503.

    What was answered 503 may have reached Kafka all the same; it is sent again, and its second copy is a duplicate.
    """

    passed_on: int
    turned_away: int


class Conservation(msgspec.Struct, frozen=True, array_like=True):
    """The row of conservation.sql."""

    accepted: int
    stored: int
    duplicates: int
    dead_letters: int
    forgotten: int
    dropped: int
    withheld: int
    is_balanced: bool

    @property
    def arrived(self) -> int:
        return (
            self.stored + self.duplicates + self.dead_letters + self.forgotten + self.dropped + self.withheld
        )


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the demonstration shows."""

    checks: Sequence[Check]
    conservation: Conservation
    journey: Rows
    segment: Rows
    channels: Rows
    dead: Rows
    funnel: Sequence[int]
    again: int  # events that their clients sent again by themselves

    @property
    def is_right(self) -> bool:
        return all(check.is_right for check in self.checks)


def at_the_door(metrics: str) -> AtTheDoor:
    """From the collector's /metrics."""
    samples = [sample for family in text_string_to_metric_families(metrics) for sample in family.samples]
    return AtTheDoor(
        passed_on=sum(
            int(one.value) for one in samples if one.name == "stitchline_collector_accepted_events_total"
        ),
        turned_away=sum(
            int(one.value)
            for one in samples
            if one.name == "stitchline_collector_requests_total" and one.labels["status"] == "503"
        ),
    )


def conservation(client: Client) -> Conservation:
    return msgspec.convert([*_rows(client, "conservation")[0]], Conservation, strict=False)


def examine(client: Client, expected: Expected, person: str, door: AtTheDoor) -> Outcome:
    """Ask for everything. Cheap enough to be asked until all is right."""
    found = conservation(client)
    journey = _rows(client, "journey", person=person)
    segment, channels = _rows(client, "segment"), _rows(client, "channels")
    dead, funnel = _rows(client, "dead_letters"), [*_rows(client, "shop_funnel")[0]]
    taken = door.passed_on + sum(row[2] for row in dead if row[1] == "collector")
    again = max(0, (found.accepted if door.turned_away else taken) - expected.accepted)
    expected = with_retries(expected, again)
    checks = [
        Check("events accepted", expected.accepted, found.accepted),
        Check(
            "events accepted, by the collector's own count",
            taken if door.turned_away else expected.accepted,
            taken,
        ),
        Check("accepted = stored + duplicates + dead letters", True, found.is_balanced),
        Check("events stored", expected.stored, found.stored),
        Check("of them at the time they happened", len(expected.times), _in_time(client, expected.times)),
        Check(
            "of them outside the browser, with device and user as said",
            sum(expected.said.values()),
            _as_said(client, expected.said),
        ),
        Check("duplicates dropped", expected.duplicates, found.duplicates),
        Check("dead letters, by reason", expected.dead, _by_reason(dead)),
        Check("people", expected.people, _number(client, ALL_PEOPLE)),
        Check("people with an account", expected.with_account, _number(client, WITH_ACCOUNT)),
        Check("people on more than one device", expected.on_two_devices, _number(client, ON_TWO_DEVICES)),
        Check(
            f"the journey of {person}, event by event", expected.journey, _steps(journey, expected.journey)
        ),
        Check("people in the segment", expected.segment, sorted(_person(*row[1:]) for row in segment)),
        Check("channels", expected.channels, [msgspec.convert([*row], Channel) for row in channels]),
        Check("people who viewed, added, ordered", expected.funnel, funnel),
    ]
    return Outcome(
        checks=checks,
        conservation=found,
        journey=journey,
        segment=segment,
        channels=channels,
        dead=dead,
        funnel=funnel,
        again=again,
    )


def with_retries(expected: Expected, again: int) -> Expected:
    """A client that got no answer in time sends again by itself: such events are accepted once more, and are duplicates."""
    return msgspec.structs.replace(
        expected, accepted=expected.accepted + again, duplicates=expected.duplicates + again
    )


def _by_reason(dead: Rows) -> dict[str, int]:
    counted: dict[str, int] = {}
    for reason, _stage, events, *_ in dead:
        counted[reason] = counted.get(reason, 0) + events
    return counted


def _person(user_id: str, emails: Sequence[str], anonymous_ids: Sequence[str]) -> str:
    """As the oracle names people."""
    return next(name for name in (user_id, *emails, *anonymous_ids) if name)


def _steps(journey: Rows, expected: Sequence[Step]) -> list[Step]:
    """As found; a time that was moved by no more than a request takes counts as the one that it must be."""
    steps = []
    for number, (at, kind, what, device, user_id, *_) in enumerate(journey):
        stamp = at.replace(tzinfo=UTC)  # ClickHouse's client gives UTC without a zone
        meant = datetime.fromisoformat(expected[number].timestamp) if number < len(expected) else stamp
        shown = meant if abs(stamp - meant) <= MOVED_MAX else stamp
        steps.append(Step(shown.isoformat(timespec="milliseconds"), kind, what, device, user_id))
    return steps


def _in_time(client: Client, expected: Sequence[datetime]) -> int:
    """Sorted times differ by no more than any one of them was moved; a clock that is wrong by hours must move none."""
    found = [row[0].replace(tzinfo=UTC) for row in client.query(TIMES).result_rows]
    return sum(abs(stamp - meant) <= MOVED_MAX for stamp, meant in zip(found, expected, strict=False))


def _as_said(client: Client, expected: Mapping[Said, int]) -> int:
    """As a multiset, since some clients make message ids of their own."""
    found = Counter(tuple(row) for row in client.query(SAID).result_rows)
    return (found & Counter(expected)).total()


def _rows(client: Client, name: str, **parameters: str) -> Rows:
    return client.query(ready(name).sql, parameters=parameters).result_rows


def _number(client: Client, sql: str) -> int:
    return int(client.query(sql).result_rows[0][0])
