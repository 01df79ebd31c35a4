"""What `stitchline rule` shows: a rule as it stands, what became of its firings, and what it would have done."""

import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
import yaml

from deploy.applying.configuration import beside, read_file
from deploy.identifiers.ids import hash_key_at_hand
from deploy.rehearsals.rehearsal import Report, Setting, in_test, rehearse
from deploy.rehearsals.rehearsal_events import Span, happened
from deploy.rehearsals.rehearsal_people import People
from processors.rules.rule_changes import Changes
from processors.rules.rule_index import indexed
from runtime.clickhouse import connect
from runtime.environment.settings import (
    ClickHouseSettings,
    ConfirmSettings,
    ContactSettings,
    ProcessorSettings,
    hash_key_bytes,
    load,
)
from schemas.configuration.rule_reading import BadRule
from schemas.control import ControlState
from schemas.rules.rules import Rule, rule_key, version_of
from schemas.segments.segment_times import instant_ms
from sinks.confirming.confirmer import Manner

DAY_MS = 86_400_000
_COUNTS = """\
SELECT state, reason, count() FROM firings
WHERE workspace = {workspace:String} AND rule = {rule:String}
GROUP BY state, reason ORDER BY state, reason"""


class BadSpan(ValueError):
    """A stretch of time that cannot be looked at."""


def with_file(state: ControlState, file: Path) -> ControlState:
    """As it would be after an apply. Raises what an apply does of a file that it refuses."""
    return beside(file, read_file(file), state).after


def chosen(state: ControlState, name: str, workspace: str) -> Rule:
    """Raises BadRule."""
    known = state.rules.get(rule_key(workspace, name))
    if known is None:
        raise BadRule(
            f"there is no rule {name} in workspace {workspace}; there are {_names(state, workspace)}"
        )
    return known


def _names(state: ControlState, workspace: str) -> str:
    return (
        ", ".join(sorted(each.rule for each in state.rules.values() if each.workspace == workspace)) or "none"
    )


def shown(rule: Rule, counts: Mapping[str, int]) -> str:
    """As YAML, with what does not stand in the definition as comments."""
    said = msgspec.to_builtins(rule)
    lines = [
        f"# version {version_of(rule)}, level {rule.level}, mode {rule.mode}, trigger {rule.trigger.kind}"
    ]
    lines += [f"# {what}: {count}" for what, count in counts.items()] or ["# it has not fired yet"]
    return "\n".join(lines) + "\n" + yaml.safe_dump(said, sort_keys=False, allow_unicode=True)


def counts_of(clickhouse: ClickHouseSettings, rule: Rule) -> dict[str, int]:
    """Firings by the state that they are in, and why."""
    client = connect(clickhouse)
    try:
        found = client.query(_COUNTS, parameters={"workspace": rule.workspace, "rule": rule.rule})
        return {f"{state} {reason}".strip(): count for state, reason, count in found.result_rows}
    finally:
        client.close()


def span_of(since: str, until: str, most: int) -> Span:
    """Yesterday (UTC) unless told. Raises BadSpan."""
    now = now_ms()
    today = now - now % DAY_MS
    try:
        end = instant_ms(until, "UTC") if until else (today if not since else now)
        start = instant_ms(since, "UTC") if since else end - DAY_MS
    except ValueError as error:
        raise BadSpan(str(error)) from error
    if start >= end:
        raise BadSpan("--from is not before --to: no time is between them")
    return Span(start, min(end, now), most)


def with_key(environ: Mapping[str, str], data: Path) -> dict[str, str]:
    """The settings, with the hash key of an embedded stack's folder where they have none. Raises WrongHashKey."""
    key = hash_key_at_hand(environ, data)
    return {**environ, "STITCHLINE_HASH_KEY": key.hex()} if key is not None else dict(environ)


def dry_run(environ: Mapping[str, str], state: ControlState, rule: Rule, span: Span) -> Report:
    """Raises BadRule, TooMuch, and what ClickHouse's client raises."""
    hash_key = hash_key_bytes(load(ProcessorSettings, environ))
    region = load(ContactSettings, environ).phone_region
    clickhouse = load(ClickHouseSettings, environ)
    known = in_test(rule)
    state = state.updated([(rule.key, known.document)])
    index, problems = indexed(state)
    if rule.key not in index.compiled:
        raise BadRule(problems[0] if problems else f"rule {rule.rule} cannot be used")
    manner = Manner(load(ConfirmSettings, environ).nodes_max, hash_key, region)
    confirm = People(clickhouse, manner, state, now_ms()).confirm(known.rule)
    client = connect(clickhouse)
    try:
        events = happened(client, known.rule, index, Changes(hash_key, region), span)
        setting = Setting(since=span.since, until=span.until, hash_key=hash_key, region=region)
        return rehearse(known, events, confirm, setting)
    finally:
        client.close()


def told(report: Report) -> str:
    """For people."""
    lines = [
        f"rule {report.rule} (version {report.version}) from {report.since} to {report.until}",
        f"would have fired {report.fired} time{'s' * (report.fired != 1)}; {report.events} events looked at",
        *(f"  refused, {reason}: {count}" for reason, count in report.refused.items()),
        *([f"  still waiting: {report.waiting}"] if report.waiting else []),
        *(
            f"  {each.at} {each.profile_id or '-'} {each.message_id or '-'} "
            f"{'fires' if each.state == 'test' else f'{each.state} {each.reason}'.strip()}"
            for each in report.sample
        ),
        "Who somebody is, their segments, traits and opt-outs are those of now.",
    ]
    return "\n".join(lines)


def now_ms() -> int:
    return int(time.time() * 1000)  # noqa: TID251 - the command's clock
