"""Whether an event is as the semantic catalogue and its source's tracking plan say, and what becomes of it if it is not.

A plan's schemas are compiled once, when the plan is first seen. Nothing is ever fetched for one: a reference leads to somewhere
in the same schema, or the schema is refused. Patterns are of the kind that takes linear time.

Deliberately absent: where plans come from. A chunk is judged by one value of `Plans` from its beginning to its end.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from jsonschema_rs import RegexOptions, ValidationError, Validator, validator_for

from processors.enrichment.plan_words import in_words
from processors.enrichment.semantics import VIOLATIONS_MAX, meaning_of
from processors.events.parsed import Object, ParsedEvent, Refusal
from schemas.events.reasons import Reason
from schemas.sources.plans import Plan
from schemas.wire.stamps import Meaning

PATTERN_BYTES_MAX = 1_000_000  # of one compiled pattern
VALUES_MAX = 500  # an event that holds more and does not conform is told its first violation alone: each takes 25 us to find

_PLACE = {
    "track": "properties",
    "page": "properties",
    "screen": "properties",
    "identify": "traits",
    "group": "traits",
}


class BadPlan(ValueError):
    """A schema that cannot be used; the text says which, where and why."""


class CompiledPlan(msgspec.Struct, frozen=True):
    """`events` by the name of a track call, `calls` by the type of another one."""

    plan: Plan
    events: dict[str, Validator]
    calls: dict[str, Validator]


Plans = Mapping[str, CompiledPlan]  # by source id
NO_PLANS: Plans = {}


class Judged(msgspec.Struct, frozen=True, gc=False):
    """`divert_to`: the source under which the event is stored, "" for its own."""

    meaning: Meaning
    divert_to: str = ""


def compiled(plans: Iterable[Plan], before: Plans = NO_PLANS) -> tuple[Plans, list[str]]:
    """And why some cannot be used: the one `before` goes on to count then. The very same plan is not compiled again."""
    usable, problems = {}, []
    for plan in plans:
        old = before.get(plan.source)
        try:
            usable[plan.source] = old if old is not None and old.plan is plan else compile_plan(plan)
        except BadPlan as error:
            problems.append(str(error))
            if old is not None:
                usable[plan.source] = old
    return usable, problems


def compile_plan(plan: Plan) -> CompiledPlan:
    """Raises BadPlan."""
    return CompiledPlan(
        plan,
        {name: _compile(plan, f"event {name!r}", schema) for name, schema in plan.events.items()},
        {type: _compile(plan, f"call {type}", schema) for type, schema in plan.calls.items()},
    )


def _compile(plan: Plan, what: str, schema: Any) -> Validator:
    try:
        return validator_for(
            schema,
            validate_formats=True,
            ignore_unknown_formats=False,
            pattern_options=RegexOptions(size_limit=PATTERN_BYTES_MAX),
            offline=True,
        )
    except ValidationError as error:
        at = "/".join(map(str, error.instance_path)) or "its top"
        raise BadPlan(f"plan of {plan.source}: {what}: at {at}: {error.message}") from error
    except ValueError as error:
        raise BadPlan(f"plan of {plan.source}: {what}: {error}") from error


def judge(plans: Plans, event: ParsedEvent) -> Judged | Refusal:
    meaning = meaning_of(event)
    compiled = plans.get(event.packed.source) if plans else None
    return Judged(meaning) if compiled is None else _judge(compiled, event, meaning)


def _judge(compiled: CompiledPlan, event: ParsedEvent, meaning: Meaning) -> Judged | Refusal:
    plan, spec_violations = compiled.plan, meaning.violations
    if spec_violations and plan.spec == "block":
        return Refusal(Reason.SPEC_VIOLATION, "; ".join(spec_violations))
    violations = tuple(_violations(compiled, event))
    if violations and plan.plan == "block":
        return Refusal(Reason.PLAN_VIOLATION, "; ".join(violations))
    if violations:
        meaning = msgspec.structs.replace(meaning, violations=(*spec_violations, *violations))
    is_diverted = (spec_violations and plan.spec == "divert") or (violations and plan.plan == "divert")
    return Judged(meaning, (plan.divert_to or "") if is_diverted else "")


def _violations(compiled: CompiledPlan, event: ParsedEvent) -> list[str]:
    type = event.packed.type
    if type != "track":
        schema = compiled.calls.get(type)
        return [] if schema is None else _of(schema, _subject(event, type), _PLACE[type])
    name = event.call.event
    schema = compiled.events.get(name) if isinstance(name, str) else None
    if schema is not None:
        return _of(schema, event.properties, "properties")
    return ["event: not in the plan"] if compiled.plan.unplanned == "violation" else []


def _subject(event: ParsedEvent, type: str) -> Object:
    return event.properties if _PLACE[type] == "properties" else event.traits


def _of(schema: Validator, subject: Object, place: str) -> list[str]:
    try:
        if schema.is_valid(subject):
            return []
        if _values(subject, VALUES_MAX) >= VALUES_MAX:
            schema.validate(subject)  # the first alone: the validator finds all errors before it gives one
        errors = schema.iter_errors(subject)
        return [in_words(error, place) for _, error in zip(range(VIOLATIONS_MAX), errors, strict=False)]
    except ValidationError as first:
        return [in_words(first, place)]
    except ValueError:  # nested beyond what the validator takes
        return [f"{place}: nested too deeply for the plan to be applied"]


def _values(value: Any, enough: int) -> int:
    """How many values there are in this one, itself included; counting ends when they are `enough`."""
    found, waiting = 0, [value]
    while waiting and found < enough:
        inner = waiting.pop()
        found += 1
        if isinstance(inner, dict):
            waiting.extend(inner.values())
        elif isinstance(inner, list):
            waiting.extend(inner)
    return found
