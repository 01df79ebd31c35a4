"""Agent `actions`: firings of rules in; what is to be sent now out, and what became of it.

The only one that decides about a firing: whether it counts, when it is sent, and when again (docs/rules.md). What was seen before
is dropped without a word, and so is an answer to an attempt that is not the current one: whoever is before or behind may
repeat themselves. Outputs, state and position are one transaction.

State of a partition, by the first byte of its keys: firings and where they are found (firing_store.py), caps, quotas of the rules
that this partition counts for, timers.py, erased.py. The clock is the latest of the ticks and of what a record's own time says.
"""

from collections.abc import Sequence

import msgspec

from processors.actions import firing_state as words
from processors.actions.firing_caps import CAPS, Caps
from processors.actions.firing_moves import Moves, Outside
from processors.actions.firing_records import Shown
from processors.actions.firing_state import FIRING, KEY_BYTES, FiringState, Seen, key_of
from processors.actions.firing_store import Firings
from processors.actions.internal_actions import Here
from processors.actions.rule_quota import ANSWERED, Quotas
from processors.actions.templates import compiled_rule
from processors.events.letters import dead_letter, letter_record
from processors.events.parsed import Refusal
from processors.identity.erased import Erased
from processors.timers import Timers
from schemas.actions.action_work import Claim, Firing, Grant, Result, UnknownWorkVersion, Work, decode_work
from schemas.events.dead_letter import NOWHERE, Sender, Stage
from schemas.events.reasons import Reason
from schemas.identity.orders import Erase, Order
from schemas.stream import InputRecord, OutputRecord, State

HOPS_MAX = 5


class Actions:
    """The step of agent `actions` on `actions.work`."""

    def __init__(
        self, *, hash_key: bytes, partitions: int, result_wait_s: int, phone_region: str = ""
    ) -> None:
        self.partitions = partitions
        self.outside = Outside(partitions, result_wait_s * 1000, Here(hash_key, partitions, phone_region))

    def __call__(self, partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
        chunk = _Chunk(self, partition, state)
        for record in records:
            try:
                work = decode_work(record.value or b"")
            except (msgspec.DecodeError, UnknownWorkVersion, RecursionError) as error:
                chunk.refuse(str(error), record)
                continue
            chunk.work(work, record)
        return chunk.close()


class _Chunk:
    """What one chunk gathers."""

    def __init__(self, step: Actions, home: int, state: State) -> None:
        self._step = step
        self._home = home
        self._timers = Timers(state, KEY_BYTES)
        self._erased = Erased(state)
        self._firings = Firings(state, self._timers)
        self._caps = Caps(state, self._timers)
        self._quotas = Quotas(state, self._timers)
        self._moves = Moves(step.outside, home, self._firings, self._caps)

    def work(self, work: Work, record: InputRecord) -> None:
        """The record's own time counts for it alone: how chunks are cut changes nothing."""
        self._moves.now = max(self._timers.now, record.timestamp)
        self._obey(work.orders)
        for item in work.items:
            self._item(item, record)
        if work.tick:
            self._tick(work.tick)

    def refuse(self, detail: str, record: InputRecord) -> None:
        refusal = Refusal(Reason.UNREADABLE_PACK, f"actions.work {self._home} {record.offset}: {detail}")
        sender = Sender("", "", "", record.timestamp)
        letter = dead_letter(Stage.ACTIONS, refusal, sender, NOWHERE, record.value or b"")
        self._moves.outputs.append(letter_record(letter, self._step.partitions))

    def close(self) -> list[OutputRecord]:
        self._firings.close()
        return self._moves.close()

    def _item(self, item: Firing | Claim | Grant | Result, record: InputRecord) -> None:
        if isinstance(item, Firing):
            self._take(key_of(item.id), item, record)
        elif isinstance(item, Result):
            self._moves.answered(key_of(item.id), item)
        elif isinstance(item, Claim):
            self._moves.tell(item.home, self._quotas.grant(item, self._moves.now))
        else:
            self._moves.granted(key_of(item.id), item)

    def _tick(self, tick: int) -> None:
        self._moves.now = max(self._moves.now, tick)
        for key in self._timers.advance(tick):
            if key[:1] == FIRING:
                if state := self._firings.due(key, tick):
                    self._moves.up(key, state)
            elif key[:1] == CAPS:
                self._caps.due(key, tick)
            elif key[:1] == ANSWERED:
                self._quotas.due(key, tick)

    def _obey(self, orders: Sequence[Order]) -> None:
        for order in orders:
            if isinstance(order, Erase):
                self._erased.take(order)
                for key in list(self._firings.about(order.node)):
                    state = self._firings.on_its_way(key)
                    if state is not None and order.since <= _began_at(state.firing) <= order.until:
                        self._moves.end(key, state, Shown(words.REFUSED, words.FORGOTTEN))

    def _take(self, key: bytes, firing: Firing, record: InputRecord) -> None:
        known = self._firings.get(key)
        has_come_back = isinstance(known, Seen) and known.moved_seq and firing.moved_seq > known.moved_seq
        if known is None or has_come_back:
            try:
                compiled_rule(firing.rule)
            except (msgspec.DecodeError, RecursionError) as error:
                self.refuse(f"firing {firing.id}: its rule: {error}", record)
                return
            self._moves.begin(key, firing, self._why_not(firing))
        elif isinstance(known, FiringState) and known.phase == words.ASKING and not firing.moved_seq:
            self._moves.confirmed(key, known, firing, self._why_not(firing))

    def _why_not(self, firing: Firing) -> str:
        if firing.refused or firing.hops > HOPS_MAX:
            return firing.refused or words.TOO_MANY_HOPS
        nodes = firing.subject, firing.profile
        is_forgotten = any(self._erased.erases(node, _began_at(firing)) for node in nodes)
        return words.FORGOTTEN if is_forgotten else ""


def _began_at(firing: Firing) -> int:
    """Its time; of an absence, whose time came later, when its beginning was received."""
    return min(firing.at, firing.seen_at)
