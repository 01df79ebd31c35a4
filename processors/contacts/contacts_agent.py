"""Agent `contacts`: facts of addresses and lists in; contacts, and events `Contact Added` and `Contact Deleted` out.

Facts may come in any order and any number of times (contacts.py). A fact that changes for others who is on a list fires one
event; a chunk writes each contact's record once, as it stands at its end. Facts that change nothing fire nothing, so
neither does a replay.

Orders: whoever is forgotten, erased or suppressed leaves all contact lists without an event, up to that moment, and stays on
opt-out lists as a hash. An order may come before the facts that it speaks of, so it is kept for ever, as a moment beside
the address's hash.

State of a partition: one value for each address, under its node id.
"""

from collections.abc import Sequence

import msgspec

from processors.contacts.contact_records import contact_record, event_of, event_records
from processors.contacts.contacts import FOR_EVER, ContactState, forgotten, is_fired, with_fact
from processors.events.letters import dead_letter, letter_record
from processors.events.parsed import Refusal
from schemas.contacts.contact_addresses import contact_node
from schemas.contacts.contact_facts import (
    ContactFact,
    UnknownContactFactsVersion,
    decode_contact_facts,
)
from schemas.events.dead_letter import NOWHERE, Sender, Stage
from schemas.events.pack import PackedEvent
from schemas.events.reasons import Reason
from schemas.identity.orders import EVERY_TARGET, Erase, Forget, Order, Suppress
from schemas.stream import InputRecord, OutputRecord, State

PREFIX = b"c"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(ContactState).decode


class Contacts:
    """The step of agent `contacts` on `contacts.facts`."""

    def __init__(self, *, hash_key: bytes, partitions: int) -> None:
        self.hash_key = hash_key
        self.partitions = partitions

    def __call__(self, partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
        chunk = _Chunk(self, state)
        for record in records:
            try:
                message = decode_contact_facts(record.value or b"")
            except (msgspec.DecodeError, UnknownContactFactsVersion, RecursionError) as error:
                chunk.outputs.append(self._refuse(str(error), partition, record))
                continue
            chunk.obey(message.orders)
            chunk.take(message.facts, record.timestamp)
        return chunk.close()

    def _refuse(self, detail: str, partition: int, record: InputRecord) -> OutputRecord:
        refusal = Refusal(Reason.UNREADABLE_PACK, f"contacts.facts {partition} {record.offset}: {detail}")
        sender = Sender("", "", "", record.timestamp)
        return letter_record(
            dead_letter(Stage.RULES, refusal, sender, NOWHERE, record.value or b""), self.partitions
        )


class _Chunk:
    """What one chunk gathers."""

    def __init__(self, step: Contacts, state: State) -> None:
        self._step = step
        self._state = state
        self._contacts: dict[int, tuple[ContactState | None, ContactState]] = {}  # as it was, as it is
        self._events: list[PackedEvent] = []
        self.outputs: list[OutputRecord] = []

    def take(self, facts: Sequence[ContactFact], received_at: int) -> None:
        for fact in facts:
            contact = contact_node(fact.workspace, fact.channel, fact.address, self._step.hash_key)
            before = self._known(contact) or ContactState(fact.workspace)
            after = with_fact(before, fact)
            if after is before:
                continue
            self._set(contact, after)
            if is_fired(before, after, fact):
                self._events.append(event_of(fact, received_at, self._step.hash_key))

    def obey(self, orders: Sequence[Order]) -> None:
        for order in orders:
            until = _until(order)
            if until is not None:
                known = self._known(order.node) or ContactState("")
                self._set(order.node, forgotten(known, until))

    def close(self) -> list[OutputRecord]:
        for contact, (before, after) in self._contacts.items():
            if after != before:
                self._state[_key(contact)] = _encode(after)
                self._show(contact, before, after)
        self.outputs += event_records(self._events, self._step.partitions)
        return self.outputs

    def _known(self, contact: int) -> ContactState | None:
        if contact in self._contacts:
            return self._contacts[contact][1]
        stored = self._state.get(_key(contact))
        return _decode(stored) if stored else None

    def _set(self, contact: int, after: ContactState) -> None:
        before = self._contacts[contact][0] if contact in self._contacts else self._known(contact)
        self._contacts[contact] = before, after

    def _show(self, contact: int, before: ContactState | None, after: ContactState) -> None:
        """Those of its lists that others see differently."""
        for name, membership in after.lists.items():
            was = before.lists.get(name) if before else None
            if membership.version != (was.version if was else 0):
                place = after.workspace, name, contact
                self.outputs.append(contact_record(place, membership, self._step.partitions))


def _key(contact: int) -> bytes:
    return PREFIX + contact.to_bytes(8, "big")


def _until(order: Order) -> int | None:
    """Up to which moment the order forgets its node; None for one that forgets nobody."""
    match order:
        case Suppress():
            return FOR_EVER
        case Erase(until=until):
            return until
        case Forget(until=until, target=target) if target == EVERY_TARGET:
            return until
        case _:
            return None
