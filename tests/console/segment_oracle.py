"""The members of a segment by its definition alone, one person after the other: slow, plain, no code shared with what is tested.

    Oracle(world, Asked(at=T), segments).members("name")

Deliberately absent: SQL, anything of console/, and any cleverness.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from operator import eq, ge, gt, le, lt
from typing import Any
from zoneinfo import ZoneInfo

from schemas.segments.segments import (
    Comparison,
    Condition,
    Did,
    Group,
    IdIs,
    Measured,
    Moment,
    ProfileIs,
    Segment,
    Selection,
    Trait,
)
from tests.console.segment_data import Asked, Happened, World
from tests.console.segment_oracle_chains import has_sequence, lacks_follower
from tests.console.segment_oracle_events import amounts, matches, passes, reached, texts
from tests.console.segment_oracle_people import (
    Person,
    group_traits,
    has_identifier,
    identity_of,
    is_known,
    people,
)
from tests.console.segment_oracle_time import bounds, day_of, lies_in
from tests.console.segment_oracle_values import Now, holds

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {"eq": eq, "gte": ge, "lte": le, "gt": gt, "lt": lt}


class Oracle:
    """One world at one instant."""

    def __init__(self, world: World, asked: Asked, segments: Mapping[str, Segment]) -> None:
        self._world = world
        self._at = asked.at
        self._segments = segments
        self._people = people(world, asked)
        self._groups = group_traits(world, asked)
        self._identity = identity_of(world, asked)

    def members(self, name: str) -> set[int]:
        return {profile for profile in self._people if self.is_member(name, profile)}

    def is_member(self, name: str, profile: int) -> bool:
        judged = Judged(self, self._segments[name], self._people[profile])
        return judged.is_in_universe and judged.holds(self._segments[name].where)

    @property
    def world(self) -> World:
        return self._world

    def profiles(self) -> set[int]:
        return set(self._people)

    def person(self, profile: int) -> Person:
        return self._people[profile]

    def now(self, segment: Segment) -> Now:
        return Now(self._at, ZoneInfo(segment.timezone or self._world.time_zone))

    def traits_of_group(self, group: str) -> dict[str, Any]:
        return self._groups.get(group, {})

    def is_listed(self, name: str, profile: int) -> bool:
        return any(
            self._identity.profile(node, self._at) == profile for node in self._world.lists.get(name, ())
        )


class Judged:
    """One person under one segment's zone and bots."""

    def __init__(self, oracle: Oracle, segment: Segment, person: Person) -> None:
        self._oracle, self._segment, self._person = oracle, segment, person
        self._now = oracle.now(segment)
        self._events = [event for event in person.events if self._counts(event)]

    def _counts(self, event: Happened) -> bool:
        return {"exclude": not event.is_bot, "include": True, "only": event.is_bot}[self._segment.people.bots]

    @property
    def is_in_universe(self) -> bool:
        wanted = self._segment.people.known
        known = is_known(self._person, self._oracle.world)
        return bool(self._events) and (wanted == "any" or known is wanted)

    def holds(self, condition: Condition) -> bool:
        kind = next(name for name in condition.__struct_fields__ if getattr(condition, name) is not None)
        return bool(getattr(self, f"_{kind.rstrip('_')}")(getattr(condition, kind)))

    def _all(self, conditions: list[Condition]) -> bool:
        return all(self.holds(one) for one in conditions)

    def _any(self, conditions: list[Condition]) -> bool:
        return any(self.holds(one) for one in conditions)

    def _not(self, condition: Condition) -> bool:
        return not self.holds(condition)

    def _matching(self, selection: Selection) -> list[Happened]:
        return [event for event in self._events if matches(event, selection, self._now)]

    def _did(self, did: Did) -> bool:
        ends = bounds(did.window, self._now.at, self._now.zone)
        events = [event for event in self._matching(did) if lies_in(event.at, ends)]
        if did.days is not None:
            return compares(len({day_of(event.at, self._now.zone) for event in events}), did.days)
        if did.distinct is not None:
            said = [texts(event, did.distinct.path, did) for event in events]
            return compares(len(set().union(*said)), did.distinct)
        for name in ("sum", "avg", "min", "max"):
            if (measured := getattr(did, name)) is not None:
                return self._measures(name, measured, did, events)
        return compares(len(events), did.count or Comparison(gte=1))

    def _measures(self, name: str, measured: Measured, did: Did, events: list[Happened]) -> bool:
        found = [one for event in events for one in amounts(event, measured.path, did, self._oracle.world)]
        if name == "sum":
            return compares(sum(found), measured)
        if not found:
            return False
        average = sum(found, Fraction()) / len(found)
        return compares({"avg": average, "min": min(found), "max": max(found)}[name], measured)

    def _first(self, wanted: Moment) -> bool:
        return self._at_the_end(wanted, 0)

    def _last(self, wanted: Moment) -> bool:
        return self._at_the_end(wanted, -1)

    def _at_the_end(self, wanted: Moment, number: int) -> bool:
        events = sorted(self._matching(wanted), key=lambda event: event.place)
        if not events:
            return False
        chosen = events[number]
        is_within = lies_in(chosen.at, bounds(wanted.window, self._now.at, self._now.zone))
        return is_within and all(passes(chosen, one, wanted, self._now) for one in wanted.having)

    def _sequence(self, wanted: Any) -> bool:
        return has_sequence(self._events, wanted, self._now)

    def _absent(self, wanted: Any) -> bool:
        return lacks_follower(self._events, wanted, self._now)

    def _trait(self, trait: Trait) -> bool:
        return self._has({name: value for name, (_, value) in self._person.traits.items()}, trait)

    def _has(self, traits: dict[str, Any], trait: Trait) -> bool:
        return holds(trait.op, reached(traits, trait.name.split(".")), trait.value, self._now)

    def _profile(self, wanted: ProfileIs) -> bool:
        times = [event.at for event in self._events]
        channels = [event.typed["touch"]["channel"] for event in self._events if event.typed.get("touch")]
        zone, at = self._now.zone, self._now.at
        if wanted.first_seen is not None:
            return bool(times) and lies_in(min(times), bounds(wanted.first_seen, at, zone))
        if wanted.last_seen is not None:
            return bool(times) and lies_in(max(times), bounds(wanted.last_seen, at, zone))
        if wanted.channel_first is not None:
            return bool(channels) and channels[0] in wanted.channel_first
        return bool(channels) and channels[-1] in (wanted.channel_last or [])

    def _id(self, wanted: IdIs) -> bool:
        if wanted.has is not None:
            return has_identifier(self._person, self._oracle.world, wanted.has)
        return not has_identifier(self._person, self._oracle.world, wanted.lacks or "")

    def _group(self, wanted: Group) -> bool:
        calls = self._person.groups
        chosen = list(calls) if wanted.which == "any" else sorted(calls, key=lambda name: calls[name])[-1:]
        return any(
            all(self._has(self._oracle.traits_of_group(name), trait) for trait in wanted.where)
            for name in chosen
        )

    def _in_segment(self, name: str) -> bool:
        return self._oracle.is_member(name, self._person.profile)

    def _in_list(self, name: str) -> bool:
        return self._oracle.is_listed(name, self._person.profile)


def compares(value: Fraction | int, wanted: Comparison) -> bool:
    if wanted.between is not None:
        low, high = wanted.between
        return Fraction(str(low)) <= value <= Fraction(str(high))
    return all(
        test(value, Fraction(str(bound)))
        for name, test in _COMPARISONS.items()
        if (bound := getattr(wanted, name)) is not None
    )
