"""Messages of topic `contacts.facts`: an address was put on a list or taken off it, by contact. Private: msgpack, versioned.

Sent by agent `triggers` (events), agent `actions` (rules), the console's API and `stitchline contacts` (files). Of one list and
address the latest change by its time counts, so a fact may come twice and in any order.
"""

from collections.abc import Iterable

import msgspec

from schemas.identity.orders import Order

VERSION = 1

ADDED, DELETED = "added", "deleted"


class ContactFact(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """`address` as it is kept: an e-mail in lower case, a phone number in E.164. `contact`: its node id. `time` in ms, never
    later than it was received. `origin`: event, api, file or rule. `source`: the source in whose name `Contact Added` is sent."""

    workspace: str
    list: str
    list_kind: str
    channel: str
    address: str
    contact: int
    change: str
    time: int
    mailer: str = ""
    origin: str = "event"
    source: str = ""
    hops: int = 0


class ContactFacts(msgspec.Struct, array_like=True, frozen=True):
    """The Kafka message's value. Orders go before all else."""

    version: int
    facts: list[ContactFact] = []
    orders: list[Order] = []


class UnknownContactFactsVersion(ValueError):
    """A message of a later release: the reader must be upgraded first."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(ContactFacts).decode


def encode_contact_facts(facts: Iterable[ContactFact] = (), *, orders: Iterable[Order] = ()) -> bytes:
    return _encode(ContactFacts(VERSION, list(facts), list(orders)))


def decode_contact_facts(value: bytes) -> ContactFacts:
    """Raises msgspec.DecodeError (none of these) or UnknownContactFactsVersion."""
    facts = _decode(value)
    if facts.version != VERSION:
        raise UnknownContactFactsVersion(
            f"contacts.facts version {facts.version}, this release reads {VERSION}"
        )
    return facts
