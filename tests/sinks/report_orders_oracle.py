"""What reports on visits and on orders must say of a world: every order beside every touch and every visit of its buyer, in
plain Python.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

from processors.enrichment.arrivals import arrival_of
from schemas.wire.stamps import Touch
from tests.processors.visit_oracle import Seen, places
from tests.sinks.report_oracle import Asked, Oracle, median_s
from tests.sinks.report_world import Happened, World
from tests.sinks.shop import Rates, Report, orders

DIRECT = Touch(channel="direct")
MICRO = 1_000_000


class Visit(msgspec.Struct, frozen=True):
    at: int
    visitor: int
    profile: int
    ended: int
    page_views: int
    is_bounce: bool
    touch: Touch
    device: str
    country: str


class Bought(msgspec.Struct, frozen=True):
    """One order; `net` in millionths of the base currency."""

    key: tuple[str, str]
    profile: int
    at: int
    net: int


class OrdersOracle:
    def __init__(self, world: World, asked: Asked, rates: Rates) -> None:
        self.world, self.asked = world, asked
        by_session: dict[str, list[Happened]] = defaultdict(list)
        told = [one for one in world.events if one.visitor]
        found = places(Seen(one.id, one.visitor, one.at, one.touch) for one in told)
        for one in sorted(told, key=lambda one: one.at):
            by_session[found[one.id].session_id].append(one)
        self.visits = [self._visit(mine) for mine in by_session.values()]
        self.touches = [self._touch(mine) for mine in by_session.values() if self._first_touched(mine)]
        self.bought = self._orders(rates)
        self.ordered = [one for one in self.bought if asked.since_ms <= one.at < asked.until_ms]

    def _counts(self, profile: int) -> bool:
        return self.asked.people == "any" or self.world.is_known(profile) == (self.asked.people == "known")

    def _orders(self, rates: Rates) -> list[Bought]:
        reports = [
            Report(
                number=one.number,
                kind=one.event,
                at=one.at,
                source=one.source,
                subject=self.world.profile(one),
                user_id=one.user_id,
                commerce=one.commerce,
            )
            for one in self.world.events
            if one.is_order
        ]
        rows = orders(reports, "EUR", rates)
        return [
            Bought((row[0], row[1]), row[2], row[3], int((row[20] or Decimal(0)) * MICRO))
            for row in rows
            if row[6] and row[5] != "cancelled" and self._counts(row[2])
        ]

    @staticmethod
    def _first_touched(mine: list[Happened]) -> list[Happened]:
        """Of the events at the visit's begin those that tell what brought it; the one that counts is the first."""

        def place(one: Happened) -> tuple[int, int, int]:
            hashes = arrival_of(one.touch)
            return hashes.origin, hashes.referrer, one.node.number

        return sorted((one for one in mine if one.at == mine[0].at and one.touch.channel), key=place)

    def _touch(self, mine: list[Happened]) -> tuple[int, int, int, Touch]:
        """(profile, when, visitor, touch)."""
        one = self._first_touched(mine)[0]
        return self.world.profile(one), one.at, one.visitor, one.touch

    def _visit(self, mine: list[Happened]) -> Visit:
        first = min(mine, key=lambda one: (one.at, one.node.number))
        brought = self._first_touched(mine)
        acts = sum(one.type in ("page", "screen", "track") for one in mine)
        countries = [one.country for one in mine if one.country]
        return Visit(
            at=first.at,
            visitor=first.visitor,
            profile=self.world.profile(first),
            ended=mine[-1].at,
            page_views=sum(one.type in ("page", "screen") for one in mine),
            is_bounce=acts <= 1,
            touch=brought[0].touch if brought else DIRECT,
            device=first.device,
            country=countries[0] if countries else "",
        )

    def journeys(self, lookback_ms: int) -> dict[tuple[str, str], list[tuple[int, int, Touch]]]:
        """Of each order the touches that came before it, in order."""
        return {
            one.key: sorted(
                (
                    (at, visitor, touch)
                    for profile, at, visitor, touch in self.touches
                    if profile == one.profile and one.at - lookback_ms <= at <= one.at
                ),
                key=lambda found: found[:2],
            )
            for one in self.ordered
        }

    def attribution(self, lookback_ms: int) -> dict[tuple[str, ...], list[Any]]:
        """Of each campaign the orders touched, and by each model the parts of orders and exact revenue in millionths."""
        journeys = self.journeys(lookback_ms)
        found: dict[tuple[str, ...], list[Any]] = defaultdict(lambda: [0] + [Fraction(0)] * 8)
        for one in self.ordered:
            touches = [touch for _, _, touch in journeys[one.key]] or [DIRECT]
            names = [(touch.channel, touch.source, touch.medium, touch.campaign) for touch in touches]
            for name in set(names):
                found[name][0] += 1
            for model, parts in enumerate(shares(len(touches))):
                for name, part in zip(names, parts, strict=True):
                    found[name][1 + model] += part
                    found[name][5 + model] += part * one.net
        return found

    def visit_statistics(self, by: Callable[[Visit], str], lookback_ms: int) -> dict[str, tuple[Any, ...]]:
        asked = self.asked
        visits = [
            visit
            for visit in self.visits
            if self._counts(visit.profile)
            and (asked.bots == "include" or (visit.device == "bot") == (asked.bots == "only"))
        ]
        groups: dict[str, list[Visit]] = defaultdict(list)
        for visit in visits:
            if asked.since_ms <= visit.at < asked.until_ms:
                groups[by(visit)].append(visit)
        ordered: dict[str, list[int]] = defaultdict(list)
        earliest = asked.since_ms - lookback_ms
        for one in self.ordered:
            before = [v for v in visits if v.profile == one.profile and earliest <= v.at <= one.at]
            last = max(before, key=lambda visit: (visit.at, visit.visitor), default=None)
            ordered[by(last) if last else ""].append(one.net)
        return {
            value: (*self._visited(groups[value]), len(ordered[value]), sum(ordered[value]))
            for value in {*groups, *ordered}
        }

    @staticmethod
    def _visited(mine: list[Visit]) -> tuple[Any, ...]:
        return (
            len(mine),
            len({visit.visitor for visit in mine}),
            len({visit.profile for visit in mine}),
            sum(visit.is_bounce for visit in mine),
            sum(visit.page_views for visit in mine),
            median_s([visit.ended - visit.at for visit in mine]),
        )

    def cohort_value(self, cohort: str, by: str) -> dict[tuple[date, str, int], tuple[int, int, int]]:
        """Of each cohort, channel and period: people, orders, and revenue in millionths."""
        asked = self.asked
        bought: dict[int, list[Bought]] = defaultdict(list)
        for one in self.bought:
            if one.at < asked.until_ms:
                bought[one.profile].append(one)
        starts = (
            {profile: min(one.at for one in mine) for profile, mine in bought.items()}
            if cohort == "order"
            else Oracle(self.world, asked).first_seen
        )
        groups: dict[tuple[date, str], list[int]] = defaultdict(list)
        for profile, at in starts.items():
            if asked.since_ms <= at < asked.until_ms:
                groups[asked.period(at), self._first_channel(profile, by)].append(profile)
        last = asked.period(asked.until_ms - 1)
        found = {}
        for (period, channel), members in groups.items():
            for number in range(asked.number(period, last) + 1):
                nets = [
                    one.net
                    for profile in members
                    for one in bought[profile]
                    if max(0, asked.number(period, asked.period(one.at))) == number
                ]
                found[period, channel, number] = len(members), len(nets), sum(nets)
        return found

    def _first_channel(self, profile: int, by: str) -> str:
        if by == "none":
            return ""
        mine = [(at, visitor, touch) for whose, at, visitor, touch in self.touches if whose == profile]
        first = min(
            (one for one in mine if one[0] < self.asked.until_ms), key=lambda one: one[:2], default=None
        )
        return (first[2] if first else DIRECT).channel


def shares(touches: int) -> list[list[Fraction]]:
    """Which part each touch has: first, last, linear, position-based."""
    one, none = Fraction(1), Fraction(0)
    middle = [Fraction(1, 5 * (touches - 2))] * (touches - 2) if touches > 2 else []
    ends = {1: [one], 2: [Fraction(1, 2)] * 2}.get(touches, [Fraction(2, 5), *middle, Fraction(2, 5)])
    return [
        [one, *[none] * (touches - 1)],
        [*[none] * (touches - 1), one],
        [Fraction(1, touches)] * touches,
        ends,
    ]
