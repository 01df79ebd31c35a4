"""Actions that leave nothing: another event, a trait, a change of a list. Records of our own topics, done as soon as sent.

An event and a trait are sent in the name of the event that the rule fired on, or else of the person; their message id is the
firing's, so a repetition is a duplicate. They say which rule sent them and how many firings they go back to.
"""

from typing import Any

import msgspec

from processors.actions.request_parts import one_line
from processors.actions.template_engine import NoValue, TemplateFailed
from processors.actions.templates import Done, ListChange, NewEvent, Traits, iso
from schemas.actions.action_work import Firing
from schemas.contacts.contact_addresses import NotAnAddress, channel_of, contact_node, kept_address
from schemas.contacts.contact_facts import ContactFact, encode_contact_facts
from schemas.contacts.contact_lists import Channel
from schemas.events.pack import PackedEvent, encode_pack
from schemas.identity.identifiers import (
    ANONYMOUS,
    EMAIL,
    USER,
    hash_email,
    node_key,
    normalise_email,
    partition_of,
    profile_key,
)
from schemas.stream import OutputRecord
from schemas.topics import CONTACTS_FACTS, EVENTS_DERIVED

OWN_SOURCE = "stitchline.rules"  # of firings that came by no source; none can be called so
KEY = b"rule"  # of events; the partition is chosen by hand
NAME_CHARS_MAX = 500
EVENT_BYTES_MAX = 200_000

_encode = msgspec.json.Encoder().encode


class Named(msgspec.Struct, frozen=True):
    """In whose name an event is sent: what the call says, and its routing id."""

    call: dict[str, Any]
    routing: bytes


class Here(msgspec.Struct, frozen=True):
    """What the records are made with."""

    hash_key: bytes
    partitions: int
    phone_region: str = ""


class _Names(msgspec.Struct, frozen=True):
    anonymous_id: str = ""
    user_id: str = ""


_decode_names = msgspec.json.Decoder(_Names).decode


def records(done: Done, firing: Firing, rule: str, now: int, here: Here) -> OutputRecord:
    """Raises TemplateFailed, NoValue where there is nobody to do it for."""
    if isinstance(done, ListChange):
        return _list_record(done, firing, now, here)
    event = _event(done, firing, rule, now)
    place = partition_of(event.routing, here.partitions)
    return OutputRecord(EVENTS_DERIVED.name, place, KEY, encode_pack([event]))


def _event(done: Traits | NewEvent, firing: Firing, rule: str, now: int) -> PackedEvent:
    named = named_of(firing)
    if isinstance(done, Traits):
        said: dict[str, Any] = {"type": "identify", "traits": done.traits}
    else:
        if not done.name or len(done.name) > NAME_CHARS_MAX:
            raise TemplateFailed("an event without a name, or with too long a one")
        said = {"type": "track", "event": done.name, "properties": done.properties}
    origin = {"rule": rule, "firing": firing.id, "hops": firing.hops + 1}
    context = {**named.call.get("context", {}), "stitchline": origin}
    call = {**said, "messageId": firing.id, "timestamp": iso(now), **named.call, "context": context}
    payload = _encode(call)
    if len(payload) > EVENT_BYTES_MAX:
        raise TemplateFailed(f"the event has {len(payload)} bytes, more than {EVENT_BYTES_MAX}")
    return PackedEvent(
        workspace=firing.workspace,
        source=firing.source or OWN_SOURCE,
        routing=named.routing,
        type=said["type"],
        message_id=firing.id,
        received_at=now,
        sent_at="",
        context=b"",
        payload=payload,
        unsigned_links=False,
    )


def named_of(firing: Firing) -> Named:
    """The event's own ids, both where it has both; else one of the person's, so that nothing new is linked. Raises NoValue."""
    own = _decode_names(firing.event) if firing.event else _Names()
    if not own.anonymous_id and not own.user_id:
        user = firing.person.user_id
        own = _Names(user_id=user, anonymous_id="" if user else firing.person.anonymous_id)
    call = {"anonymousId": own.anonymous_id, "userId": own.user_id}
    call = {name: value for name, value in call.items() if value}
    if own.anonymous_id:
        return Named(call, node_key(firing.workspace, ANONYMOUS, own.anonymous_id))
    if own.user_id:
        return Named(call, node_key(firing.workspace, USER, own.user_id))
    address = normalise_email(firing.person.email)
    if not address:
        raise NoValue("nobody in whose name an event could be sent")
    context = {"context": {"traits": {"email": address}}}
    return Named(context, node_key(firing.workspace, EMAIL, hash_email(address)))


def _list_record(change: ListChange, firing: Firing, now: int, here: Here) -> OutputRecord:
    said = one_line(change.address)
    channel: Channel = "phone" if firing.list_channel == "phone" else "email"
    if said and not firing.list_channel:
        channel = channel_of(said)
    person = firing.person.email if channel == "email" else firing.person.phone
    try:
        address = kept_address(channel, said or person, here.phone_region)
    except NotAnAddress as error:
        raise NoValue(f"no address for the list: {error}") from error
    contact = contact_node(firing.workspace, channel, address, here.hash_key)
    fact = ContactFact(
        workspace=firing.workspace,
        list=change.list,
        list_kind=firing.list_kind or "contacts",
        channel=channel,
        address=address,
        contact=contact,
        change=change.change,
        time=now,
        origin="rule",
        source=firing.source,
        hops=firing.hops + 1,
    )
    key = profile_key(contact)
    return OutputRecord(
        CONTACTS_FACTS.name, partition_of(key, here.partitions), key, encode_contact_facts([fact])
    )
