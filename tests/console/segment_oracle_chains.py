"""Sequences and what then was not done, by trying every choice of events. Shares no code with what is tested."""

from collections.abc import Sequence as Events
from typing import NamedTuple

from schemas.segments.segments import Absent, Selection, Sequence
from tests.console.segment_data import Happened
from tests.console.segment_oracle_events import matches, texts
from tests.console.segment_oracle_time import bounds, length, lies_in
from tests.console.segment_oracle_values import Now

Place = tuple[int, int, str]


class Step(NamedTuple):
    """An event in the order of a sequence: time, the lowest step it matches (what is no step comes after them), message id."""

    place: Place
    event: Happened
    steps: frozenset[int]
    is_without: bool


def has_sequence(events: Events[Happened], wanted: Sequence, now: Now) -> bool:
    ends = bounds(wanted.window, now.at, now.zone)
    ordered = sorted(_step(event, wanted, now) for event in events if lies_in(event.at, ends))
    useful = [step for step in ordered if step.steps and not step.is_without]
    return any(
        _is_finished([first], useful[number + 1 :], ordered, wanted)
        for number, first in enumerate(useful)
        if 0 in first.steps
    )


def _step(event: Happened, wanted: Sequence, now: Now) -> Step:
    steps = frozenset(number for number, step in enumerate(wanted.steps) if matches(event, step, now))
    is_without = wanted.without is not None and matches(event, wanted.without, now)
    lowest = min(steps, default=len(wanted.steps))
    return Step((event.at, lowest, event.message_id), event, steps, is_without)


def _is_finished(chain: list[Step], later: list[Step], everything: list[Step], wanted: Sequence) -> bool:
    if len(chain) == len(wanted.steps):
        return _is_good(chain, everything, wanted)
    return any(
        _is_finished([*chain, step], later[number + 1 :], everything, wanted)
        for number, step in enumerate(later)
        if len(chain) in step.steps and step.event.at - chain[0].event.at <= length(wanted.within)
    )


def _is_good(chain: list[Step], everything: list[Step], wanted: Sequence) -> bool:
    first, last = chain[0].place, chain[-1].place
    if last[0] - first[0] > length(wanted.within):
        return False
    if any(step.is_without and first < step.place < last for step in everything):
        return False
    return wanted.same is None or _have_one_value(
        [texts(step.event, wanted.same, wanted.steps[number]) for number, step in enumerate(chain)]
    )


def _have_one_value(found: list[set[str]]) -> bool:
    return bool(set.intersection(*found))


def lacks_follower(events: Events[Happened], wanted: Absent, now: Now) -> bool:
    ends = bounds(wanted.window, now.at, now.zone)
    starts = [event for event in events if lies_in(event.at, ends) and matches(event, wanted.did, now)]
    return any(_is_unanswered(start, events, wanted, now) for start in starts)


def _is_unanswered(start: Happened, events: Events[Happened], wanted: Absent, now: Now) -> bool:
    end = start.at + length(wanted.within)
    keys = _keys(start, wanted.same, wanted.did)
    if now.at <= end or keys == set():
        return False
    return not any(
        event is not start
        and start.at <= event.at <= end
        and matches(event, wanted.then_not, now)
        and (keys is None or keys & (_keys(event, wanted.same, wanted.then_not) or set()))
        for event in events
    )


def _keys(event: Happened, same: str | None, selection: Selection) -> set[str] | None:
    return None if same is None else texts(event, same, selection)
