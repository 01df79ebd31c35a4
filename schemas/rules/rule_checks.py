"""What a JSON Schema cannot say of a rule's definition: zones, schedules, lengths of time, what goes together and what does not.

Each check takes the mapping, whose shape is right, and yields what is wrong with it. Filters, tests of traits and durations are
checked as those of segments (segment_checks.py).

Deliberately absent: levels (rule_levels.py), what a rule names (rule_names.py) and templates, whose engine is not here.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cronsim import CronSim, CronSimError

from schemas.actions.requests import SENDERS_HEADERS
from schemas.definitions.problems import Problem
from schemas.rules.default_names import MARK
from schemas.rules.rules import PERSON_ZONE
from schemas.segments.segment_checks import problems_of_part, too_long, wrong_zone
from schemas.segments.segments import duration_ms
from schemas.values.zones import zone

CAPS_MAX: Final = 10
EXPIRES_AFTER: Final = "1d"  # unless a rule says otherwise
_FOR_NOBODY: Final = (
    "a schedule without a segment fires for nobody: name the segment of those meant in trigger.schedule"
)
_OF_PERSONS: Final = {
    "event": "",
    "trait": "",
    "list": "address",
    "email": "to",
}  # and what stands in for one
_SOME_DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)  # a schedule that has a next moment has one after any


def rule_problems(rule: dict[str, Any]) -> Iterator[Problem]:
    """Of a mapping whose shape is right."""
    if MARK in rule["rule"]:
        yield Problem("rule", f"names with {MARK} are those of default actions: take another one")
    yield from _of_trigger(rule["trigger"])
    yield from problems_of_part(rule.get("conditions", {}), ("conditions",))
    yield from _of_conditions(rule["trigger"], rule.get("conditions", {}))
    yield from _of_nobody(rule["trigger"], rule["action"])
    yield from _of_limits(rule.get("limits", {}))
    if rule["rule"] in rule.get("replaces", ()):
        yield Problem("replaces", "the rule itself: take it out")
    yield from (Problem(f"action.{place}", what) for place, what in action_problems(rule["action"]))


def action_problems(action: dict[str, Any]) -> Iterator[Problem]:
    kind, said = next(iter(action.items()))
    if kind == "list":
        yield from _one_of(kind, said, ("add", "remove"))
    elif kind == "http":
        yield from _of_http(said)
    elif wrong := _says_nothing(kind, said):
        yield Problem(*wrong)


def _says_nothing(kind: str, said: dict[str, Any]) -> tuple[str, str] | None:
    if kind == "email" and not said.get("text") and not said.get("html"):
        return kind, "a mail without a word: give text, html, or both"
    if kind == "trait" and not said["set"]:
        return "trait.set", "no trait: name one at least, such as {plan: pro}"
    if kind == "event" and not said["name"].strip():
        return "event.name", "an event needs a name"
    return None


def _of_http(said: dict[str, Any]) -> Iterator[Problem]:
    bodies = [key for key in ("json", "form", "text") if key in said]
    if len(bodies) > 1:
        yield Problem("http", f"one body at most; here are {' and '.join(bodies)}: leave one of them")
    if bodies and said.get("method") == "GET":
        yield Problem(f"http.{bodies[0]}", "a GET has no body: put it into query, or take another method")
    yield from header_problems("http.headers", said.get("headers", {}))


def header_problems(place: str, headers: Mapping[str, Any]) -> Iterator[Problem]:
    """Of names that the sender says itself, and of one header that stands there twice: the one or the other would not be sent."""
    seen: dict[str, str] = {}
    for name in headers:
        if name.lower() in SENDERS_HEADERS:
            yield Problem(f"{place}.{name}", "the sender says this one itself: take it out")
        elif name.lower() in seen:
            yield Problem(f"{place}.{name}", f"the same header as {seen[name.lower()]}: leave one of them")
        seen[name.lower()] = name


def _of_trigger(trigger: dict[str, Any]) -> Iterator[Problem]:
    kind, said = next(iter(trigger.items()))
    if kind != "trait":  # whose `from` is no instant
        yield from problems_of_part(trigger, ("trigger",))
    if kind in _OF_TRIGGERS:
        yield from _OF_TRIGGERS[kind](said)


def _of_trait(said: dict[str, Any]) -> Iterator[Problem]:
    for key in ("from", "to"):
        yield from problems_of_part(said.get(key), ("trigger", "trait", key))


def _of_segment(said: dict[str, Any]) -> Iterator[Problem]:
    yield from _one_of("trigger.segment", said, ("entered", "left"))
    if "left" in said and said.get("initial"):
        yield Problem("trigger.segment.initial", "nobody has left a new segment: take it out")


def _of_source(said: dict[str, Any]) -> Iterator[Problem]:
    if not any(said.values()):
        yield Problem("trigger.source", "nothing to look for: give channels, sources, mediums or campaigns")


def _one_of(place: str, said: dict[str, Any], keys: tuple[str, str]) -> Iterator[Problem]:
    given = [key for key in keys if key in said]
    if len(given) != 1:
        here = "here are both: make a rule of its own of each" if given else "here is none"
        yield Problem(place, f"exactly one of {' and '.join(keys)} is given; {here}")


def _of_schedule(said: dict[str, Any]) -> Iterator[Problem]:
    if wrong := wrong_zone(said.get("timezone", "UTC")):
        yield Problem("trigger.schedule.timezone", wrong)
    elif wrong := _wrong_cron(said["cron"], said.get("timezone", "UTC")):
        yield Problem("trigger.schedule.cron", wrong)


_OF_TRIGGERS: Mapping[str, Callable[[dict[str, Any]], Iterator[Problem]]] = {
    "trait": _of_trait,
    "segment": _of_segment,
    "source": _of_source,
    "schedule": _of_schedule,
}


def _wrong_cron(cron: str, zone_name: str) -> str:
    fields = cron.split()
    if len(fields) != 5:
        return (
            f"{len(fields)} fields, and cron has five: minute, hour, day of the month, month, day of the week, such as "
            '"0 9 * * mon" for Mondays at nine'
        )
    try:
        never = next(CronSim(cron, _SOME_DAY.astimezone(zone(zone_name))), None) is None
    except CronSimError as error:
        return f'{error}, and "0 9 * * mon" is every Monday at nine'
    return "such a moment never comes: mend the day or the month" if never else ""


def _of_conditions(trigger: dict[str, Any], conditions: dict[str, Any]) -> Iterator[Problem]:
    if "schedule" not in trigger:
        return
    for key in ("where", "consent"):
        if conditions.get(key):
            yield Problem(f"conditions.{key}", "a schedule has no event to be asked: take it out")
    if "segment" not in trigger["schedule"]:
        for key in ("in_segments", "not_in_segments", "traits"):
            if conditions.get(key):
                yield Problem(f"conditions.{key}", _FOR_NOBODY)


def _of_nobody(trigger: dict[str, Any], action: dict[str, Any]) -> Iterator[Problem]:
    """Actions that take a person, or an address in their place."""
    kind, said = next(iter(action.items()))
    is_for_nobody = "schedule" in trigger and "segment" not in trigger["schedule"]
    if is_for_nobody and kind in _OF_PERSONS and not said.get(_OF_PERSONS[kind]):
        yield Problem(f"action.{kind}", _FOR_NOBODY)


def _of_limits(limits: dict[str, Any]) -> Iterator[Problem]:
    caps = limits.get("caps", ())
    if len(caps) > CAPS_MAX:
        yield Problem("limits.caps", f"{len(caps)} of them, at most {CAPS_MAX}")
    for place, cap in enumerate(caps):
        if wrong := too_long(cap["within"]):
            yield Problem(f"limits.caps[{place}].within", wrong)
    yield from _of_times(limits)
    if "quiet_hours" in limits:
        yield from _of_quiet_hours(limits["quiet_hours"])


def _of_times(limits: dict[str, Any]) -> Iterator[Problem]:
    wrong = {key: too_long(limits[key]) for key in ("delay", "expires_after") if key in limits}
    yield from (Problem(f"limits.{key}", what) for key, what in wrong.items() if what)
    delay, ends = limits.get("delay"), limits.get("expires_after", EXPIRES_AFTER)
    if delay and duration_ms(delay) >= duration_ms(ends):
        yield Problem(
            "limits.delay",
            f"{delay} is not less than expires_after, {ends}: nothing would ever be sent; make expires_after longer",
        )


def _of_quiet_hours(said: dict[str, Any]) -> Iterator[Problem]:
    for key in ("timezone", "or_timezone"):
        named = said.get(key, "UTC")
        is_persons = key == "timezone" and named == PERSON_ZONE
        if wrong := "" if is_persons else wrong_zone(named):
            yield Problem(f"limits.quiet_hours.{key}", wrong)
    if said["start"] == said["end"]:
        yield Problem(
            "limits.quiet_hours.end", "the same as start: the whole day would be quiet, or none of it"
        )
