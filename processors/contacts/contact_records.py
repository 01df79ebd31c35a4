"""What agent `contacts` sends: records of contacts, and the events `Contact Added` and `Contact Deleted`. Pure.

An event is packed as the collector would have packed it, in the name of the address alone. Its message id is its mark
(schemas/contacts/contact_mark.py), so an event that is sent again is a duplicate.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from processors.contacts.contacts import Membership
from schemas.contacts.contact_addresses import EMAIL_CHANNEL, PHONE_TYPE, contact_key
from schemas.contacts.contact_facts import ContactFact
from schemas.contacts.contact_mark import EVENTS, ContactChange, message_id_of
from schemas.events.pack import PackedEvent, encode_pack
from schemas.identity.identifiers import partition_of
from schemas.stream import OutputRecord
from schemas.topics import CONTACTS, EVENTS_DERIVED
from schemas.wire.codec import encode_contact

OWN_SOURCE = "stitchline.contacts"  # of changes that came by no source; none can be called so
EVENTS_PER_PACK_MAX = 500  # of some 500 bytes each
PACK_KEY = b"contact"  # of these records; the partition is chosen by hand


def contact_record(place: tuple[str, str, int], membership: Membership, partitions: int) -> OutputRecord:
    """`place`: workspace, list, contact."""
    workspace, name, contact = place
    key = f"{contact:016x}/{name}".encode()
    record = {
        "workspace": workspace,
        "list": name,
        "kind": membership.list_kind,
        "channel": membership.channel,
        "contact": contact,
        "address": membership.address,
        "state": membership.change,
        "changed_at": membership.time,
        "mailer": membership.mailer,
        "origin": membership.origin,
        "version": membership.version,
    }
    return OutputRecord(CONTACTS.name, partition_of(key, partitions), key, encode_contact(record))


def event_of(fact: ContactFact, received_at: int, hash_key: bytes) -> PackedEvent:
    """That this fact changed a list."""
    change = ContactChange(
        workspace=fact.workspace,
        list=fact.list,
        list_kind=fact.list_kind,
        channel=fact.channel,
        address=fact.address,
        change=fact.change,
        time=fact.time,
        mailer=fact.mailer,
        origin=fact.origin,
    )
    message_id = message_id_of(change, hash_key)
    call = {
        "type": "track",
        "event": EVENTS[fact.change],
        "messageId": message_id,
        "timestamp": datetime.fromtimestamp(fact.time / 1000, UTC).isoformat(timespec="milliseconds"),
        "properties": change.properties,
        "context": _context(fact),
    }
    return PackedEvent(
        workspace=fact.workspace,
        source=fact.source or OWN_SOURCE,
        routing=contact_key(fact.workspace, fact.channel, fact.address),
        type="track",
        message_id=message_id,
        received_at=received_at,
        sent_at="",
        context=b"",
        payload=msgspec.json.encode(call),
        unsigned_links=False,
    )


def event_records(events: Iterable[PackedEvent], partitions: int) -> Iterator[OutputRecord]:
    """In packs, by partition."""
    found: dict[int, list[PackedEvent]] = {}
    for event in events:
        found.setdefault(partition_of(event.routing, partitions), []).append(event)
    for place, some in sorted(found.items()):
        for start in range(0, len(some), EVENTS_PER_PACK_MAX):
            pack = encode_pack(some[start : start + EVENTS_PER_PACK_MAX])
            yield OutputRecord(EVENTS_DERIVED.name, place, PACK_KEY, pack)


def _context(fact: ContactFact) -> dict[str, Any]:
    """`hops`: how many firings of rules it goes back to, so that two rules cannot call each other for ever."""
    ours: dict[str, Any] = {"stitchline": {"hops": fact.hops}} if fact.hops else {}
    if fact.channel == EMAIL_CHANNEL:
        return {"traits": {"email": fact.address}} | ours
    return {"externalIds": [{"type": PHONE_TYPE, "id": fact.address}]} | ours
