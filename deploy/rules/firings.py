"""How rules stand, and what became of one firing, from the control topic and ClickHouse. Read only.

Deliberately absent: what a firing sent. The request stands in its dead letter, where one was made.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client

from console.times import iso_ms
from deploy.visible import visible
from schemas.control import ControlState
from schemas.rules.rules import Rule, version_of

_COUNTS = """\
SELECT
    workspace,
    rule,
    sumIf(firings, day = toDate32(now(), 'UTC')), sum(firings),
    sumMapIf(outcomes, day = toDate32(now(), 'UTC')), sumMap(outcomes),
    toUInt64(sumIf(rule_states.used, day = toDate32(now(), 'UTC'))),
    toUInt64(sumIf(rule_states.used, toStartOfMonth(day) = toStartOfMonth(toDate32(now(), 'UTC')))),
    toUInt64(sum(rule_states.used)),
    max(toUnixTimestamp64Milli(last_done)),
    minIf(toUnixTimestamp64Milli(oldest_waiting), waiting > 0)
FROM
(
    SELECT
        *,
        mapAdd(
            mapFilter((_, count) -> count > 0, map('done', done, 'test', test, 'waiting', waiting)),
            mapAdd(
                mapApply((reason, count) -> (concat('refused ', toString(reason)), count), refused_for),
                mapApply((reason, count) -> (concat('failed ', toString(reason)), count), failed_for)
            )
        ) AS outcomes
    FROM rule_states
) AS rule_states
GROUP BY workspace, rule"""
_STATES = """\
SELECT toUnixTimestamp64Milli(at), toString(state), toString(reason), toUInt32(attempts), detail
FROM firing_states FINAL WHERE firing_id = {id:String} ORDER BY seq"""
_FIRING = """\
SELECT
    workspace, toString(rule), toString(rule_version), toString(level), toString(trigger), toString(action),
    toString(destination), toString(state), toString(reason), toUInt32(attempts),
    detail, profile_id, occurrence, message_id, toUnixTimestamp64Milli(occurred_at)
FROM firings WHERE firing_id = {id:String}"""
_ATTEMPTS = """\
SELECT toUInt32(attempt), toString(outcome), toUInt32(status), error, answer, toUnixTimestamp64Milli(started_at), took_ms,
    toUnixTimestamp64Milli(next_at)
FROM deliveries WHERE firing_id = {id:String} ORDER BY attempt"""
_LETTER = """\
SELECT toString(reason), detail, toUnixTimestamp64Milli(received_at) FROM dead_letters
WHERE stage = 'actions' AND position(detail, {id:String}) > 0 ORDER BY received_at LIMIT 1"""


class NoSuchFiring(ValueError):
    """The text says what to look at."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """`today` and `ever`: firings by what became of them. Of a rule that was deleted `mode` is `deleted`."""

    workspace: str
    rule: str
    level: str = ""
    object: str = ""
    mode: str = "deleted"
    version: str = ""
    fired_today: int = 0
    fired: int = 0
    today: dict[str, int] = {}
    ever: dict[str, int] = {}
    quota_used: int | None = None
    quota_max: int | None = None
    quota_per: str = ""
    last_done: str = ""
    oldest_waiting: str = ""


class State(msgspec.Struct, frozen=True):
    at: str
    state: str
    reason: str
    attempts: int
    detail: str


class Attempt(msgspec.Struct, frozen=True):
    attempt: int
    outcome: str
    status: int
    error: str
    answer: str
    started_at: str
    took_ms: int
    next_at: str


class Letter(msgspec.Struct, frozen=True):
    reason: str
    detail: str
    at: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One firing, as it stands."""

    firing_id: str
    workspace: str
    rule: str
    rule_version: str
    level: str
    trigger: str
    action: str
    destination: str
    state: str
    reason: str
    attempts: int
    detail: str
    profile_id: str
    occurrence: str
    message_id: str
    occurred_at: str
    states: list[State]
    deliveries: list[Attempt]
    dead_letter: Letter | None


def standings(client: Client, state: ControlState) -> list[Standing]:
    """Of every rule that is or was. Raises what the client raises."""
    counts = {(str(row[0]), str(row[1])): row[2:] for row in client.query(_COUNTS).result_rows}
    rules = {(rule.workspace, rule.rule): rule for rule in state.rules.values()}
    return [
        _standing(name, rules.get(name), counts.get(name)) for name in sorted(rules.keys() | counts.keys())
    ]


def _standing(name: tuple[str, str], rule: Rule | None, row: Sequence[Any] | None) -> Standing:
    said: dict[str, Any] = {"workspace": name[0], "rule": name[1]}
    used = {"day": 0, "month": 0, "total": 0}
    if row is not None:
        fired_today, fired, today, ever, *used_in, last_done, oldest = row
        used = dict(zip(used, used_in, strict=True))
        said |= {
            "fired_today": int(fired_today),
            "fired": int(fired),
            "today": dict(today),
            "ever": dict(ever),
        }
        said |= {"last_done": _moment(last_done), "oldest_waiting": _moment(oldest)}
    if rule is not None:
        said |= {
            "level": rule.level,
            "object": rule.object or "",
            "mode": rule.mode,
            "version": version_of(rule),
        }
    if rule is not None and (quota := rule.limits.quota) is not None:
        said |= {"quota_used": int(used[quota.per]), "quota_max": quota.max, "quota_per": quota.per}
    return Standing(**said)


def standing_text(standing: Standing) -> str:
    of = f" {standing.object}" if standing.object else ""
    lines = [
        f"{standing.rule}  (workspace {standing.workspace}, {standing.level or 'no'} rule{of}, {standing.mode})"
    ]
    if standing.version:
        lines.append(f"  version  {standing.version}")
    lines.append(f"  today  {_counted(standing.fired_today, standing.today)}")
    lines.append(f"  ever  {_counted(standing.fired, standing.ever)}")
    if standing.quota_max is not None:
        lines.append(f"  quota  {standing.quota_used} of {standing.quota_max} per {standing.quota_per}")
    lines.append(f"  last done  {standing.last_done or 'never'}")
    if standing.oldest_waiting:
        lines.append(f"  oldest waiting since  {standing.oldest_waiting}")
    return "\n".join(lines)


def _counted(count: int, outcomes: Mapping[str, int]) -> str:
    each = ", ".join(f"{name} {number}" for name, number in sorted(outcomes.items()))
    return f"{count} ({each})" if each else str(count)


def told(client: Client, firing_id: str) -> Told:
    """Raises NoSuchFiring, and what the client raises."""

    def ask(sql: str) -> Sequence[Sequence[Any]]:
        return client.query(sql, parameters={"id": firing_id}).result_rows

    found = ask(_FIRING)
    if not found:
        raise NoSuchFiring(
            f"there is no firing {visible(firing_id)}: one that was just confirmed is there within seconds, one of "
            "somebody who was forgotten is gone"
        )
    names = Told.__struct_fields__[1:15]
    said = dict(zip(names, found[0], strict=False))
    letter = [Letter(reason, detail, _moment(at)) for reason, detail, at in ask(_LETTER)]
    return Told(
        firing_id=firing_id,
        **said,
        occurred_at=_moment(found[0][-1]),
        states=[State(_moment(at), *row) for at, *row in ask(_STATES)],
        deliveries=[
            Attempt(number, outcome, status, error, answer, _moment(started), took, _moment(later))
            for number, outcome, status, error, answer, started, took, later in ask(_ATTEMPTS)
        ],
        dead_letter=letter[0] if letter else None,
    )


def told_text(firing: Told) -> str:
    """What destinations and people wrote is shown, never obeyed."""
    whose = firing.profile_id or "nobody"
    lines = [
        f"{firing.firing_id}  {firing.state}{_why(firing.reason, firing.detail)}",
        f"  rule  {firing.rule} (workspace {firing.workspace}, {firing.level}, version {firing.rule_version})",
        f"  on  {firing.trigger} {visible(firing.occurrence)} at {firing.occurred_at}",
        f"  message  {visible(firing.message_id) or 'none'}",
        f"  for  {whose}",
        f"  does  {firing.action} {firing.destination}".rstrip(),
    ]
    lines += [f"  {each.at}  {each.state}{_why(each.reason, each.detail)}" for each in firing.states]
    lines += list(_attempt_lines(firing.deliveries))
    if firing.dead_letter is not None:
        letter = firing.dead_letter
        lines.append(f"  dead letter  {letter.at}  {letter.reason}: {visible(letter.detail)}")
    return "\n".join(lines)


def _attempt_lines(attempts: Sequence[Attempt]) -> Iterator[str]:
    for each in attempts:
        again = f", again at {each.next_at}" if each.next_at else ""
        said = " ".join(visible(part) for part in (each.error, each.answer) if part)
        became = f"{each.outcome} {each.status or '-'} in {each.took_ms} ms{again}"
        yield f"  attempt {each.attempt}  {each.started_at}  {became}  {said}".rstrip()


def _why(reason: str, detail: str) -> str:
    return f" ({reason}: {visible(detail)})" if detail else f" ({reason})" if reason else ""


def _moment(ms: int) -> str:
    """ "" for the time that stands for none."""
    return iso_ms(ms) if ms else ""
