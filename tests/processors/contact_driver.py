"""Agent `contacts` as tests drive it: one partition, its state, and what came out."""

from collections.abc import Iterable
from typing import Any

import msgspec

from processors.contacts.contacts_agent import Contacts
from processors.events.parsed import ParsedEvent, parse
from schemas.contacts.contact_facts import ContactFact, encode_contact_facts
from schemas.contacts.contact_mark import ContactChange, change_of
from schemas.events.pack import decode_pack
from schemas.events.rule_event import RuleEvent
from schemas.identity.orders import Order
from schemas.stream import InputRecord, OutputRecord
from schemas.topics import CONTACTS, EVENTS_DEAD, EVENTS_DERIVED
from schemas.wire.codec import decode

KEY = bytes(range(16))
PARTITIONS = 4
ANN = "ann@shop.example"


def fact(change: str, time: int, **fields: Any) -> ContactFact:
    known: dict[str, Any] = {
        "workspace": "main",
        "list": "news",
        "list_kind": "contacts",
        "channel": "email",
        "address": ANN,
    }
    return ContactFact(**known | {"contact": 0, "change": change, "time": time} | fields)


class Driver:
    def __init__(self) -> None:
        self.step = Contacts(hash_key=KEY, partitions=PARTITIONS)
        self.state: dict[bytes, bytes] = {}
        self.outputs: list[OutputRecord] = []
        self._offset = 0

    def take(self, *messages: list[ContactFact] | ContactFact | Order | bytes) -> list[OutputRecord]:
        """One chunk, a record of each."""
        records = [self._record(each) for each in messages]
        out = self.step(0, records, self.state)
        self.outputs += out
        return out

    def _record(self, message: list[ContactFact] | ContactFact | Order | bytes) -> InputRecord:
        if isinstance(message, bytes):
            value = message
        elif isinstance(message, ContactFact):
            value = encode_contact_facts([message])
        elif isinstance(message, list):
            value = encode_contact_facts(message)
        else:
            value = encode_contact_facts(orders=[message])
        self._offset += 1
        return InputRecord(self._offset, 1_700_000_000_000, b"contact", value)

    @property
    def contacts(self) -> dict[tuple[str, int], dict[str, Any]]:
        """The newest record of each key, as a table has it."""
        found: dict[tuple[str, int], dict[str, Any]] = {}
        for each in self.records:
            place = each["list"], each["contact"]
            if place not in found or each["version"] > found[place]["version"]:
                found[place] = each
        return found

    @property
    def records(self) -> list[dict[str, Any]]:
        """With times in ms."""
        found = [decode(each.value) for each in self.outputs if each.topic == CONTACTS.name]
        return [each | {"changed_at": round(each["changed_at"].timestamp() * 1000)} for each in found]

    @property
    def letters(self) -> list[dict[str, Any]]:
        return [decode(each.value) for each in self.outputs if each.topic == EVENTS_DEAD.name]

    @property
    def events(self) -> list[ParsedEvent]:
        """As the resolver reads them."""
        packs = [decode_pack(each.value) for each in self.outputs if each.topic == EVENTS_DERIVED.name]
        found = [parse(event) for pack in packs for event in pack.events]
        return [event for event in found if isinstance(event, ParsedEvent)]

    @property
    def fired(self) -> list[ContactChange]:
        """What genuine events say; an event that is none is a fault."""
        found = [change_of(rule_event(event), event.packed.workspace, KEY) for event in self.events]
        return [each for each in found if each is not None]


def rule_event(event: ParsedEvent) -> RuleEvent:
    """As far as these tests need it."""
    call: dict[str, Any] = msgspec.json.decode(event.packed.payload)
    return RuleEvent(
        type=call["type"],
        event=call["event"],
        message_id=event.packed.message_id,
        timestamp=call["timestamp"],
        anonymous_id=call.get("anonymousId", ""),
        user_id=call.get("userId", ""),
        properties=event.properties,
        context=event.context,
    )


def told(changes: Iterable[ContactChange]) -> list[tuple[str, str, int]]:
    return [(each.list, each.change, each.time) for each in changes]
