"""What agent `actions` sends: its records' topics, keys and values, made of a firing's state. The key chooses the partition, but
where a firing is told to go home."""

from typing import Any

import msgspec

from processors.actions.firing_state import FORGOTTEN, FiringState
from processors.events.letters import dead_letter, letter_record
from processors.events.parsed import Refusal
from schemas.actions.action_work import VERSION, Due, Result, encode_due
from schemas.events.dead_letter import NOWHERE, Sender, Stage
from schemas.events.reasons import Reason
from schemas.identity.identifiers import partition_of, profile_id, profile_key
from schemas.rules.rule_candidates import VERSION as CANDIDATE_VERSION
from schemas.rules.rule_candidates import Candidate, encode_rule_candidate
from schemas.rules.rules import Rule
from schemas.stream import OutputRecord
from schemas.topics import ACTIONS, ACTIONS_DELIVERIES, ACTIONS_DUE, RULES_CANDIDATES, Topic
from schemas.wire.codec import encode_delivery, encode_firing

ERROR_CHARS_MAX = 1_000
_REASONS = {"given_up": Reason.GIVEN_UP, "rejected": Reason.REJECTED, "gone": Reason.GONE}


class Shown(msgspec.Struct, frozen=True):
    """What is told of a firing: its state, the reason of it, and in words what the reason leaves open."""

    state: str
    reason: str = ""
    detail: str = ""


def keyed(topic: Topic, node: int, value: bytes, partitions: int) -> OutputRecord:
    key = profile_key(node)
    return OutputRecord(topic.name, partition_of(key, partitions), key, value)


def firing_record(state: FiringState, rule: Rule, shown: Shown, at: int, partitions: int) -> OutputRecord:
    """Of who is forgotten it says nothing."""
    firing = state.firing
    is_named = shown.reason != FORGOTTEN
    record = {
        "firing_id": firing.id,
        "workspace": firing.workspace,
        "rule": rule.rule,
        "rule_version": firing.rule_version,
        "level": rule.level,
        "trigger": rule.trigger.kind,
        "action": rule.action.kind,
        "destination": rule.action.destination,
        "state": shown.state,
        "reason": shown.reason,
        "seq": state.seq,
        "subject": firing.subject if is_named else 0,
        "profile": firing.profile if is_named else 0,
        "profile_id": profile_id(firing.profile) if firing.profile and is_named else "",
        "occurrence": firing.occurrence,
        "message_id": firing.message_id if is_named else "",
        "occurred_at": firing.at,
        "at": at,
        "attempts": state.attempt if state.is_out else state.attempt - 1,
        "detail": shown.detail[:ERROR_CHARS_MAX],
    }
    return keyed(ACTIONS, firing.subject or firing.profile, encode_firing(record), partitions)


def delivery_record(
    state: FiringState, rule: Rule, result: Result, told: tuple[str, int], partitions: int
) -> OutputRecord:
    """`told`: what became of the attempt, and when the next one is made (0: never)."""
    firing = state.firing
    record: dict[str, Any] = {
        "firing_id": firing.id,
        "attempt": result.attempt,
        "workspace": firing.workspace,
        "rule": rule.rule,
        "rule_version": firing.rule_version,
        "action": rule.action.kind,
        "destination": rule.action.destination,
        "subject": firing.subject,
        "profile_id": profile_id(firing.profile) if firing.profile else "",
        "outcome": told[0],
        "status": result.status,
        "error": result.error[:ERROR_CHARS_MAX],
        "answer": result.answer[:ERROR_CHARS_MAX],
        "started_at": result.started_at,
        "took_ms": result.took_ms,
        "next_at": told[1],
    }
    return keyed(ACTIONS_DELIVERIES, firing.subject or firing.profile, encode_delivery(record), partitions)


def due_record(
    state: FiringState, rule: Rule, home: int, moments: tuple[int, int], partitions: int
) -> OutputRecord:
    """`moments`: now, and the last one at which it may be sent."""
    firing = state.firing
    due = Due(
        version=VERSION,
        id=firing.id,
        attempt=state.attempt,
        workspace=firing.workspace,
        rule=rule.rule,
        destination=rule.action.destination,
        kind=rule.action.kind,
        request=state.request,
        home=home,
        due_at=moments[0],
        not_after=moments[1],
    )
    return keyed(ACTIONS_DUE, firing.profile, encode_due(due), partitions)


def candidate_record(state: FiringState, home: int, partitions: int) -> OutputRecord:
    """It waited, and is asked about again."""
    firing = state.firing
    candidate = Candidate(
        version=CANDIDATE_VERSION,
        workspace=firing.workspace,
        rule=firing.rule,
        rule_version=firing.rule_version,
        occurrence=firing.occurrence,
        person=firing.profile,
        subject=firing.subject,
        at=firing.at,
        seen_at=firing.seen_at,
        event=firing.event,
        message_id=firing.message_id,
        recheck=firing.id,
        hops=firing.hops,
        home=home,
    )
    return keyed(RULES_CANDIDATES, firing.profile, encode_rule_candidate(candidate), partitions)


def undelivered_record(state: FiringState, why: str, detail: str, at: int, partitions: int) -> OutputRecord:
    """The request as a dead letter."""
    firing = state.firing
    refusal = Refusal(_REASONS[why], f"firing {firing.id}: {detail}"[:ERROR_CHARS_MAX])
    sender = Sender(firing.workspace, firing.source, firing.message_id, at)
    return letter_record(dead_letter(Stage.ACTIONS, refusal, sender, NOWHERE, state.request), partitions)
