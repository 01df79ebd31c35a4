"""The moves of a firing: from each state to the next, with what is sent on the way.

`up` is called when its time has come, the others when a message has. Each puts the firing down in a state or ends it; what a
message says about a state that the firing is not in changes nothing.
"""

from collections import defaultdict

import msgspec

from processors.actions import firing_state as words
from processors.actions.firing_caps import Caps
from processors.actions.firing_gate import ASK, FAIL, REFUSE, WAIT, gate, not_after
from processors.actions.firing_records import (
    Shown,
    candidate_record,
    delivery_record,
    due_record,
    firing_record,
    undelivered_record,
)
from processors.actions.firing_state import FiringState
from processors.actions.firing_store import Firings
from processors.actions.internal_actions import Here, records
from processors.actions.retries import postponed_pause_ms, retry_pause_ms
from processors.actions.template_engine import NoValue, TemplateFailed
from processors.actions.templates import (
    CompiledRule,
    ListChange,
    NewEvent,
    Traits,
    compiled_rule,
    request_bytes,
)
from schemas.actions.action_work import Claim, Firing, Grant, Result, encode_work
from schemas.identity.identifiers import partition_of, profile_key
from schemas.rules.rules import Limits
from schemas.stream import OutputRecord
from schemas.topics import ACTIONS_WORK

ASKED_AGAIN_MS = 600_000  # an answer that does not come is asked for anew
WORK_KEY = b"work"  # of what goes to a partition chosen by hand
_ENDS = {"failed": words.REJECTED, "gone": words.GONE}
_replace = msgspec.structs.replace


class Outside(msgspec.Struct, frozen=True):
    """`result_wait_ms`: an attempt of which nothing is heard for so long is lost, and made again."""

    partitions: int
    result_wait_ms: int
    here: Here


class Moves:
    """Of one chunk. `now` is set before each message."""

    def __init__(self, outside: Outside, home: int, firings: Firings, caps: Caps) -> None:
        self._outside = outside
        self._home = home
        self._firings = firings
        self._caps = caps
        self._work: dict[int, list[Claim | Grant | Firing]] = defaultdict(list)
        self.outputs: list[OutputRecord] = []
        self.now = 0

    def begin(self, key: bytes, firing: Firing, why_not: str) -> None:
        state = FiringState(firing=firing, phase=words.WAITING, due_at=self.now, seq=firing.moved_seq)
        if why_not:
            self.end(key, state, Shown(words.REFUSED, why_not))
        else:
            self._go(key, state)

    def confirmed(self, key: bytes, state: FiringState, answer: Firing, why_not: str) -> None:
        """Who the person is by now counts for what is still to be made, and the rule's mode of now. One that was not sent yet
        goes where that person's firings are, and takes their caps."""
        said = {"person": answer.person, "rule": answer.rule, "confirmed_at": self.now}
        if not why_not and not state.first_at:
            said |= {"profile": answer.profile, "elsewhere": answer.elsewhere}
        firing = _replace(state.firing, **said)
        state = _replace(state, firing=firing, must_ask=False)
        if why_not:
            self.end(key, state, Shown(words.REFUSED, why_not))
        elif (home := self._home_of(state)) != self._home:
            self.tell(home, _replace(firing, moved_seq=state.seq))
            self._firings.end(key, self.now, state.seq)
        else:
            self._go(key, state)

    def _home_of(self, state: FiringState) -> int:
        """Where its person's firings are; what is for nobody, or was sent before, stays."""
        if state.first_at or not state.firing.profile:
            return self._home
        return partition_of(profile_key(state.firing.profile), self._outside.partitions)

    def granted(self, key: bytes, grant: Grant) -> None:
        state = self._firings.on_its_way(key)
        if state is None or state.phase != words.CLAIMING:
            return
        if grant.granted:
            self._send(key, _replace(state, granted=True), compiled_rule(state.firing.rule))
        else:
            self.end(key, state, Shown(words.REFUSED, words.OVER_QUOTA))

    def answered(self, key: bytes, result: Result) -> None:
        state = self._firings.on_its_way(key)
        if state is None or result.attempt != state.attempt or not state.is_out:
            return
        if result.outcome == "postponed":
            self._postponed(key, state, result)
        elif result.outcome == "delivered":
            self._tell_delivery(state, result, "delivered")
            self.end(key, state, Shown(words.DONE))
        elif result.outcome in _ENDS:
            self._final(key, state, result)
        else:
            self._retry(key, state, result)

    def up(self, key: bytes, state: FiringState) -> None:
        """Nothing came before its time."""
        is_late = self.now > not_after(state, self._limits(state))
        if is_late or state.phase == words.WAITING:
            self._go(key, state)
        elif state.phase == words.ASKING:
            self._ask(key, state)
        elif state.phase == words.CLAIMING:
            self._claim(key, state)
        else:
            self._dispatch(key, state)

    def end(self, key: bytes, state: FiringState, shown: Shown) -> None:
        """What was never sent takes no place among its rule's caps."""
        if shown.state == words.REFUSED and state.slot_at and not state.first_at:
            self._caps.give_back(state.firing, compiled_rule(state.firing.rule).rule, state.slot_at)
        self._show(state, shown)
        self._firings.end(key, self.now)

    def tell(self, partition: int, message: Claim | Grant | Firing) -> None:
        self._work[partition].append(message)

    def close(self) -> list[OutputRecord]:
        for partition, items in sorted(self._work.items()):
            value = encode_work(items)
            self.outputs.append(OutputRecord(ACTIONS_WORK.name, partition, WORK_KEY, value))
        return self.outputs

    def _go(self, key: bytes, state: FiringState) -> None:
        """As far as it can get now."""
        compiled = compiled_rule(state.firing.rule)
        verdict = gate(state, compiled.rule.limits, self.now)
        if verdict.what == WAIT:
            self._wait(key, _replace(state, must_ask=True), verdict.why, verdict.until)
        elif verdict.what == REFUSE:
            self.end(key, state, Shown(words.REFUSED, verdict.why))
        elif verdict.what == FAIL:
            self._undelivered(key, state, verdict.why, "it was not delivered in time")
        elif verdict.what == ASK:
            self._ask(key, state)
        else:
            self._pass(key, state, compiled)

    def _wait(self, key: bytes, state: FiringState, why: str, until: int) -> None:
        """Shown but for postponements, which may be many."""
        if why != words.POSTPONED:
            state = self._show(state, Shown(words.WAITING, why))
        self._firings.put(key, _replace(state, phase=words.WAITING, due_at=until))

    def _ask(self, key: bytes, state: FiringState) -> None:
        self.outputs.append(candidate_record(state, self._home, self._outside.partitions))
        self._firings.put(key, _replace(state, phase=words.ASKING, due_at=self.now + ASKED_AGAIN_MS))

    def _pass(self, key: bytes, state: FiringState, compiled: CompiledRule) -> None:
        """Nothing about the moment stands against it: its request, its caps and its quota."""
        ready = None
        if not state.first_at:
            try:
                state, ready = self._made(state, compiled)
            except TemplateFailed as error:
                why = words.NO_RECIPIENT if isinstance(error, NoValue) else words.TEMPLATE_FAILED
                self.end(key, state, Shown(words.REFUSED, why, str(error)))
                return
            why, slot = self._caps.take(state.firing, compiled.rule, self.now)
            if why:
                self.end(key, state, Shown(words.REFUSED, why))
                return
            state = _replace(state, slot_at=slot)
        if compiled.rule.limits.quota and not state.granted:
            self._claim(key, state)
        else:
            self._send(key, state, compiled, ready)

    def _made(self, state: FiringState, compiled: CompiledRule) -> tuple[FiringState, OutputRecord | None]:
        """With its request, or the record that it is when it is done right here. Raises TemplateFailed."""
        made = compiled.made(state.firing)
        if isinstance(made, ListChange | Traits | NewEvent):
            return state, records(made, state.firing, compiled.rule.rule, self.now, self._outside.here)
        return _replace(state, request=request_bytes(made)), None

    def _claim(self, key: bytes, state: FiringState) -> None:
        rule = compiled_rule(state.firing.rule).rule
        quota = rule.limits.quota
        assert quota is not None
        name = f"{rule.rule}\0test" if rule.mode == "test" else rule.rule
        claim = Claim(
            id=state.firing.id,
            workspace=state.firing.workspace,
            rule=name,
            max=quota.max,
            per=quota.per,
            at=self.now,
            home=self._home,
        )
        counts_at = partition_of(f"{claim.workspace}/{rule.rule}".encode(), self._outside.partitions)
        self.tell(counts_at, claim)
        self._firings.put(key, _replace(state, phase=words.CLAIMING, due_at=self.now + ASKED_AGAIN_MS))

    def _send(
        self, key: bytes, state: FiringState, compiled: CompiledRule, ready: OutputRecord | None = None
    ) -> None:
        if compiled.rule.mode == "test":
            self.end(key, state, Shown(words.TEST))
        elif state.request:
            self._dispatch(key, state)
        else:
            done = ready or self._made(state, compiled)[1]
            assert done is not None
            self.outputs.append(done)
            self.end(key, _replace(state, is_out=True), Shown(words.DONE))

    def _dispatch(self, key: bytes, state: FiringState) -> None:
        """The current attempt; it may have been sent before."""
        is_new = not state.is_out
        state = _replace(
            state,
            phase=words.SENDING,
            is_out=True,
            first_at=state.first_at or self.now,
            due_at=self.now + self._outside.result_wait_ms,
        )
        if is_new:
            state = self._show(state, Shown(words.SENDING))
        rule = compiled_rule(state.firing.rule).rule
        moments = self.now, not_after(state, rule.limits)
        self.outputs.append(due_record(state, rule, self._home, moments, self._outside.partitions))
        self._firings.put(key, state)

    def _postponed(self, key: bytes, state: FiringState, result: Result) -> None:
        """It was not tried, which costs no attempt."""
        if state.phase == words.SENDING:
            state = _replace(state, postponed=state.postponed + 1)
            pause = postponed_pause_ms(state.firing.id, state.postponed, result.retry_after_ms)
            self._wait(key, state, words.POSTPONED, self.now + pause)

    def _final(self, key: bytes, state: FiringState, result: Result) -> None:
        """Whoever sends may also have found that its time is over: that is no refusal of the destination's."""
        is_late = result.outcome == "failed" and self.now > not_after(state, self._limits(state))
        self._tell_delivery(state, result, "given_up" if is_late else "failed")
        why = words.GIVEN_UP if is_late else _ENDS[result.outcome]
        self._undelivered(key, state, why, _words_of(result))

    def _retry(self, key: bytes, state: FiringState, result: Result) -> None:
        tried = state.tried + 1
        next_at = self.now + retry_pause_ms(state.firing.id, tried, result.retry_after_ms)
        if next_at > not_after(state, self._limits(state)):
            self._tell_delivery(state, result, "given_up")
            self._undelivered(key, state, words.GIVEN_UP, _words_of(result))
            return
        self._tell_delivery(state, result, "retry", next_at)
        state = _replace(state, tried=tried, attempt=state.attempt + 1, is_out=False)
        self._wait(key, state, words.RETRY, next_at)

    def _undelivered(self, key: bytes, state: FiringState, why: str, detail: str) -> None:
        self.outputs.append(undelivered_record(state, why, detail, self.now, self._outside.partitions))
        self.end(key, state, Shown(words.FAILED, why))

    def _tell_delivery(self, state: FiringState, result: Result, outcome: str, next_at: int = 0) -> None:
        rule = compiled_rule(state.firing.rule).rule
        told = outcome, next_at
        self.outputs.append(delivery_record(state, rule, result, told, self._outside.partitions))

    def _show(self, state: FiringState, shown: Shown) -> FiringState:
        state = _replace(state, seq=state.seq + 1)
        rule = compiled_rule(state.firing.rule).rule
        self.outputs.append(firing_record(state, rule, shown, self.now, self._outside.partitions))
        return state

    def _limits(self, state: FiringState) -> Limits:
        return compiled_rule(state.firing.rule).rule.limits


def _words_of(result: Result) -> str:
    return f"status {result.status}: {result.error}" if result.status else result.error
