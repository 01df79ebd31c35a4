"""What reports must say of a world, worked out plainly, person by person and day by day. Shares nothing with the views."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tests.sinks.report_world import Happened, World

DAY_MS = 86_400_000


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters that reports share. `since` and `until` are dates of the zone."""

    since: date
    until: date
    zone: str = "UTC"
    unit: str = "day"
    people: str = "known"
    bots: str = "exclude"

    @property
    def since_ms(self) -> int:
        return self._ms(self.since)

    @property
    def until_ms(self) -> int:
        return self._ms(self.until)

    def _ms(self, day: date) -> int:
        midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.zone))
        return int(midnight.timestamp() * 1000)

    def day(self, ms: int) -> date:
        return datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(self.zone)).date()

    def period(self, ms: int) -> date:
        day = self.day(ms)
        if self.unit == "week":
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self.unit == "month" else day

    def number(self, cohort: date, period: date) -> int:
        """How many periods after the cohort's own."""
        if self.unit == "month":
            return (period.year - cohort.year) * 12 + period.month - cohort.month
        return (period - cohort).days // (7 if self.unit == "week" else 1)

    def arguments(self, *names: str, **more: str) -> str:
        """As a view takes them, those of these names."""
        known = {name: str(getattr(self, name)) for name in ("since", "until", "zone", *names)}
        return ", ".join(
            f"{name} = {value if value.startswith('[') else repr(value)}"
            for name, value in (known | more).items()
        )


class Oracle:
    def __init__(self, world: World, asked: Asked) -> None:
        self.world, self.asked = world, asked
        self.events = [one for one in world.events if self._counts(one)]
        self.here = [one for one in self.events if asked.since_ms <= one.at < asked.until_ms]
        self.first_seen = {
            profile: min(one.at for one in mine) for profile, mine in self._by_profile(self.events).items()
        }

    def _counts(self, one: Happened) -> bool:
        asked = self.asked
        if asked.bots != "include" and one.is_bot != (asked.bots == "only"):
            return False
        return asked.people == "any" or self.world.is_known(self.world.profile(one)) == (
            asked.people == "known"
        )

    def _by_profile(self, events: Sequence[Happened]) -> dict[int, list[Happened]]:
        found: dict[int, list[Happened]] = defaultdict(list)
        for one in events:
            found[self.world.profile(one)].append(one)
        return found

    def _people(self, events: Sequence[Happened]) -> int:
        return len(self._by_profile(events))

    def event_counts(self) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        groups: dict[tuple[Any, ...], list[Happened]] = defaultdict(list)
        for one in self.here:
            site = "shop.example" if one.path else ""
            key = (self.asked.period(one.at), one.source, site, one.type, one.event or one.name)
            groups[key].append(one)
        return {key: (len(mine), self._people(mine)) for key, mine in groups.items()}

    def source_statistics(self) -> dict[tuple[Any, ...], tuple[int, ...]]:
        groups: dict[tuple[Any, ...], list[Happened]] = defaultdict(list)
        for one in self.world.events:
            if self.asked.since_ms <= one.received < self.asked.until_ms:
                groups[self.asked.day(one.received), one.source].append(one)
        return {key: self._source(mine) for key, mine in groups.items()}

    def _source(self, mine: list[Happened]) -> tuple[int, ...]:
        human = [one for one in mine if not one.is_bot]
        known = [one for one in human if self.world.is_known(self.world.profile(one))]
        refused = sum(bool(one.violations) for one in mine)
        return len(mine), self._people(human), self._people(known), len(mine) - len(human), refused

    def engagement(self) -> dict[date, tuple[Any, ...]]:
        groups: dict[date, list[Happened]] = defaultdict(list)
        for one in self.here:
            groups[self.asked.period(one.at)].append(one)
        return {period: self._engaged(period, mine) for period, mine in groups.items()}

    def _engaged(self, period: date, mine: list[Happened]) -> tuple[Any, ...]:
        people = self._by_profile(mine)
        first = {profile: min(one.at for one in acts) for profile, acts in people.items()}
        new = sum(self.first_seen[profile] == at for profile, at in first.items())
        days = sum(len({self.asked.day(one.at) for one in acts}) for acts in people.values())
        length = sum(
            self.asked.period(self.asked._ms(day)) == period
            for day in days_between(self.asked.since, self.asked.until)
        )
        return len(people), new, len(mine), days, len(mine) / len(people), days / len(people) / length

    def active_people(self) -> dict[date, tuple[int, int, int]]:
        active: dict[date, set[int]] = defaultdict(set)
        for one in self.events:
            active[self.asked.day(one.at)].add(self.world.profile(one))

        def within(last: date, days: int) -> int:
            return len(set().union(*(active[last - timedelta(days=back)] for back in range(days))))

        return {
            day: (within(day, 1), within(day, 7), within(day, 30))
            for day in days_between(self.asked.since, self.asked.until)
        }

    def retention(self, first: str, again: str) -> dict[tuple[date, int], tuple[int, int]]:
        starts: dict[int, int] = {}
        for one in sorted(self.events, key=lambda one: one.at):
            if matches(first, one):
                starts.setdefault(self.world.profile(one), one.at)
        starts = {
            profile: at for profile, at in starts.items() if self.asked.since_ms <= at < self.asked.until_ms
        }
        sizes = Counter(self.asked.period(at) for at in starts.values())
        came: dict[tuple[date, int], set[int]] = defaultdict(set)
        for one in self.here:
            profile = self.world.profile(one)
            if matches(again, one) and profile in starts and one.at >= starts[profile]:
                cohort = self.asked.period(starts[profile])
                came[cohort, self.asked.number(cohort, self.asked.period(one.at))].add(profile)
        last = self.asked.period(self.asked.until_ms - 1)
        return {
            (cohort, number): (size, len(came[cohort, number]))
            for cohort, size in sizes.items()
            for number in range(self.asked.number(cohort, last) + 1)
        }

    def activation(self, steps: Sequence[str], within_ms: int) -> list[tuple[int, float | None]]:
        """Of each row the people and the median seconds."""
        waits: list[list[int]] = [[] for _ in range(len(steps) + 2)]
        by_profile = self._by_profile(self.events)
        for profile, seen in self.first_seen.items():
            if self.asked.since_ms <= seen < self.asked.until_ms:
                firsts = [
                    min((one.at - seen for one in by_profile[profile] if matches(step, one)), default=None)
                    for step in steps
                ]
                every = None if None in firsts else max(first for first in firsts if first is not None)
                for found, wait in zip(waits, [0, *firsts, every], strict=True):
                    if wait is not None and wait <= within_ms:
                        found.append(wait)
        return [(len(found), median_s(found)) for found in waits]

    def funnel(
        self, steps: Sequence[str], within_ms: int, by: Callable[[Happened], str]
    ) -> dict[tuple[str, int], tuple[int, float | None]]:
        """Of each value and step the people who reached it, and the median seconds from the first step."""
        took: dict[tuple[str, int], list[int]] = defaultdict(list)
        for mine in self._by_profile(self.events).values():
            chains = list(self._chains(steps, within_ms, mine))
            if chains:
                value = by(chains[-1][0])
                for level, (start, end) in enumerate(chains, 1):
                    took[value, level].append(end.at - start.at)
        values = {value for value, _ in took} | ({""} if by is nothing else set())
        return {
            (value, level): (len(took[value, level]), median_s(took[value, level]))
            for value in values
            for level in range(1, len(steps) + 1)
        }

    def _chains(
        self, steps: Sequence[str], within_ms: int, mine: list[Happened]
    ) -> Iterator[tuple[Happened, Happened]]:
        """Of each length, where the first whole chain begins and ends; every chain there is, is tried."""
        until = self.asked.until_ms
        told = [one for one in mine if any(matches(step, one) for step in steps)]
        starting = [one for one in told if matches(steps[0], one) and self.asked.since_ms <= one.at < until]

        def low(one: Happened) -> int:
            own = [n for n, step in enumerate(steps) if matches(step, one)]
            return min([n for n in own if n > 0 or one.at < until], default=99)

        told = sorted(told, key=lambda one: (one.at, low(one), one.id))
        place = {one.id: number for number, one in enumerate(told)}
        whole = [(one, one) for one in starting]  # (begin, end) of chains of this length
        for step in (*steps[1:], None):
            if not whole:
                return
            end = min(whole, key=lambda pair: place[pair[1].id])[1]
            begin = max((pair for pair in whole if pair[1].id == end.id), key=lambda pair: place[pair[0].id])[
                0
            ]
            yield begin, end
            if step is not None:
                whole = [
                    (begin, one)
                    for begin, end in whole
                    for one in told
                    if matches(step, one) and place[one.id] > place[end.id] and one.at - begin.at <= within_ms
                ]
                whole = list({(begin.id, end.id): (begin, end) for begin, end in whole}.values())


def nothing(one: Happened) -> str:
    return ""


def matches(step: str, one: Happened) -> bool:
    """`page:` and `screen:` end with % in these tests, or are whole."""
    kind, _, name = step.partition(":")
    if step == "any" or (one.event and step == one.event):
        return True
    if kind not in ("page", "screen") or one.type != kind:
        return False
    said = one.path if kind == "page" else one.name
    return not name or (said.startswith(name[:-1]) if name.endswith("%") else said == name)


def days_between(since: date, until: date) -> list[date]:
    return [since + timedelta(days=number) for number in range((until - since).days)]


def median_s(values: list[int]) -> float | None:
    return sorted(values)[len(values) // 2] / 1000 if values else None
