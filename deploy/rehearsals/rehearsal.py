"""A dry run: what a rule would have done with what happened, worked out by the agents themselves, over state in memory.

The steps are those of `stitchline rules` (agents triggers, rules and actions) on one partition; time is that of receipt. The
rule is in mode `test`, so nothing is sent. Who somebody is and what holds of them is asked as it is now: the past is not kept.

Deliberately absent: where events come from (rehearsal_events.py), and who is asked about people.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import msgspec

from processors.actions.actions_agent import Actions
from processors.rules.rule_events import iso
from processors.rules.rules_agent import RulesStep
from processors.rules.rules_now import Known, RulesNow
from schemas.actions.action_work import Firing, decode_work, encode_work
from schemas.rules.rule_candidates import Candidate, decode_rule_candidate
from schemas.rules.rule_facts import Occurrence, encode_rule_facts
from schemas.rules.rules import Rule, version_of
from schemas.stream import InputRecord, OutputRecord
from schemas.topics import ACTIONS, ACTIONS_WORK, DAY_MS, RULES_CANDIDATES
from schemas.wire.codec import decode

TICK_MS = 60_000  # how finely time goes on
WAITING_MS_MAX = 8 * DAY_MS  # after the end, for what waits
SAMPLE_MAX = 10  # of firings that a report names
REASON_SAMPLE_MAX = 3  # of those that are refused for one reason
RESULT_WAIT_S = 600

Moment: TypeAlias = tuple[int, Candidate]  # when it was a candidate
Confirm: TypeAlias = Callable[[Sequence[Moment]], Sequence[Firing]]


class Told(msgspec.Struct, frozen=True):
    """What became of one firing. Times are ISO 8601."""

    at: str
    profile_id: str
    message_id: str
    state: str
    reason: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`fired`: would have been sent. `refused`: how many by each reason. `waiting`: still so at the end."""

    rule: str
    version: str
    since: str
    until: str
    events: int
    fired: int
    refused: dict[str, int]
    waiting: int
    sample: list[Told]


def in_test(rule: Rule) -> Known:
    rule = msgspec.structs.replace(rule, mode="test")
    return Known(rule, version_of(rule), msgspec.json.encode(rule))


class Candidates:
    """What agent `rules` makes of occurrences, as time goes on."""

    def __init__(self, rule: Known, since: int) -> None:
        now = RulesNow({rule.rule.key: rule}, {}, (rule,) if rule.rule.trigger.schedule else ())
        self._step = RulesStep(partitions=1, rules=lambda _names: now)
        self._state: dict[bytes, bytes] = {}
        self._now = since - since % TICK_MS
        self.found: list[Moment] = []
        self._take(encode_rule_facts(tick=self._now), self._now)

    def occur(self, occurrences: Sequence[Occurrence], now: int) -> None:
        self.advance(now)
        if occurrences:
            self._take(encode_rule_facts(occurrences), now)

    def advance(self, now: int) -> None:
        while self._now + TICK_MS <= now:
            self._now += TICK_MS
            self._take(encode_rule_facts(tick=self._now), self._now)

    def _take(self, value: bytes, now: int) -> None:
        for each in self._step(0, [InputRecord(0, now, None, value)], self._state):
            if each.topic == RULES_CANDIDATES.name:
                self.found.append((now, decode_rule_candidate(each.value)))


class Firings:
    """What agent `actions` makes of firings, as time goes on. One that is asked about again gets the same answer."""

    def __init__(self, hash_key: bytes, region: str, since: int) -> None:
        self._step = Actions(
            hash_key=hash_key, partitions=1, result_wait_s=RESULT_WAIT_S, phone_region=region
        )
        self._state: dict[bytes, bytes] = {}
        self._now = since - since % TICK_MS
        self._asked: dict[str, Firing] = {}
        self.states: dict[str, dict[str, Any]] = {}

    @property
    def are_waiting(self) -> bool:
        return any(
            each["state"] not in ("test", "refused", "done", "failed") for each in self.states.values()
        )

    def take(self, firing: Firing, now: int) -> None:
        self.advance(now)
        self._asked[firing.id] = firing
        self._work(encode_work([firing]), now)

    def advance(self, now: int) -> None:
        while self._now + TICK_MS <= now:
            self._now += TICK_MS
            self._work(encode_work(tick=self._now), self._now)

    def finish(self, until: int) -> None:
        """Up to when nothing waits any more."""
        self.advance(until)
        end = until + WAITING_MS_MAX
        while self.are_waiting and self._now < end:
            self.advance(self._now + 60 * TICK_MS)

    def _work(self, value: bytes, now: int) -> None:
        waiting = [value]
        while waiting:
            record = InputRecord(0, now, None, waiting.pop(0))
            for each in self._step(0, [record], self._state):
                waiting += self._answers(each, now)

    def _answers(self, output: OutputRecord, now: int) -> list[bytes]:
        if output.topic == ACTIONS.name:
            told = decode(output.value)
            self.states[told["firing_id"]] = told
        elif output.topic == ACTIONS_WORK.name:
            return [output.value] if decode_work(output.value).items else []
        elif output.topic == RULES_CANDIDATES.name:
            asked = self._asked[decode_rule_candidate(output.value).recheck]
            return [encode_work([msgspec.structs.replace(asked, confirmed_at=now)])]
        return []


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """`since` to `until` in ms; `region`: see processors/rules/rule_changes.py."""

    since: int
    until: int
    hash_key: bytes
    region: str = ""


def rehearse(
    rule: Known,
    happened: Iterable[tuple[int, Sequence[Occurrence]]],
    confirm: Confirm,
    setting: Setting,
) -> Report:
    """`happened`: in the order of receipt, which is its first part; an event that is nothing to the rule has no occurrences."""
    candidates, events = Candidates(rule, setting.since), 0
    for now, occurrences in happened:
        events += 1
        candidates.occur(occurrences, now)
    candidates.advance(setting.until)
    firings = Firings(setting.hash_key, setting.region, setting.since)
    for firing in sorted(confirm(candidates.found), key=lambda each: each.confirmed_at):
        firings.take(firing, firing.confirmed_at)
    firings.finish(setting.until)
    return _report(rule, setting, events, list(firings.states.values()))


def _report(rule: Known, setting: Setting, events: int, states: Sequence[dict[str, Any]]) -> Report:
    refused = Counter(each["reason"] for each in states if each["state"] == "refused")
    fired = [each for each in states if each["state"] == "test"]
    others = [each for each in states if each["state"] != "test"]
    return Report(
        rule=rule.rule.rule,
        version=rule.version,
        since=iso(setting.since),
        until=iso(setting.until),
        events=events,
        fired=len(fired),
        refused=dict(sorted(refused.items())),
        waiting=len(others) - sum(refused.values()),
        sample=[_told(each) for each in (*fired[:SAMPLE_MAX], *_some_of_each(others))],
    )


def _some_of_each(others: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """By reason."""
    found: dict[str, list[dict[str, Any]]] = {}
    for each in others:
        found.setdefault(each["reason"], []).append(each)
    return [each for reason in sorted(found) for each in found[reason][:REASON_SAMPLE_MAX]]


def _told(state: dict[str, Any]) -> Told:
    return Told(
        at=state["occurred_at"].isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        profile_id=state["profile_id"],
        message_id=state["message_id"],
        state=state["state"],
        reason=state["reason"],
    )
