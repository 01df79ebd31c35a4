"""Facts: what one event states about who is who. A fact links a node to one with more authority, at a time, with a
strength.

Also the messages of topic `identity.facts` (private: msgpack, versioned): facts of events, and what one node
*derives* for another. The time is always the event's, never that of its arrival. A fact with `stamp` keeps its own
place on an anonymous id's timeline; of the others only the earliest per target and strength counts. A node key of more
than `NODE_BYTES_MAX` has no facts, so that no state and no message outgrows Kafka.
"""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from processors.events.authority import is_anonymous, rank
from processors.events.blocked import is_blocked
from processors.events.mentions import Mentions
from processors.events.parsed import ParsedEvent
from processors.events.times import TIME_MAX
from schemas.identity.identifiers import ANONYMOUS, USER, node_key, text
from schemas.identity.orders import Order

MERGED, ASSERTED, CLAIMED, DERIVED = range(4)  # classes M, A, B, C; among A, B and C the smaller one wins

BOUNDARY = b""  # the target of a logout: from here on the device is nobody's
LOGIN_EVENTS = frozenset(
    {"login", "logged in", "signed in", "user logged in", "user signed in"}
)  # for the view `signed_in`
LOGOUT_EVENTS = frozenset({"logout", "logged out", "signed out", "user signed out"})
STAMPED_TYPES = frozenset({"identify", "alias"})

VERSION = 1
PACK_BYTES_MAX = 700_000
NODE_BYTES_MAX = 512  # an id has up to 255 bytes, a workspace is a short name


Time = Annotated[int, msgspec.Meta(ge=0, lt=TIME_MAX)]
Strength = Annotated[int, msgspec.Meta(ge=MERGED, le=DERIVED)]
Node = Annotated[bytes, msgspec.Meta(max_length=NODE_BYTES_MAX)]


class Fact(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One stated link. `target` is `BOUNDARY` for a logout."""

    node: Node
    target: Node
    time: Time
    strength: Strength
    stamp: bool


class Derivation(msgspec.Struct, array_like=True, frozen=True):
    """All that `via` says about `node` now: target -> (time, strength). It replaces what it said before; {} takes that back."""

    node: Node
    via: Node
    version: int
    targets: dict[Node, tuple[Time, Strength]]


class FactPack(msgspec.Struct, array_like=True, frozen=True):
    """One message: everything for one partition. Derivations stand in the order in which they were made."""

    version: int
    facts: list[Fact]
    derivations: list[Derivation]
    orders: list[Order] = []


class UnknownFactsVersion(ValueError):
    """Facts of a later release: the reader must be upgraded first."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FactPack).decode


class Occasion(msgspec.Struct, frozen=True, gc=False):
    """What the facts of an event depend on besides whom it mentions: as little as its stored row has too."""

    workspace: str
    type: str
    previous_id: str
    time: int
    is_logout: bool


def facts_of(event: ParsedEvent, about: Mentions) -> list[Fact]:
    """Every fact of one event, most of all none: an event with one id and nothing else states nothing."""
    kind = event.packed.type
    is_logout = kind == "track" and is_logout_event(text(event.call.event))
    if len(about.stated) < 2 and not about.claimed and kind != "alias" and not is_logout:
        return []
    previous = text(event.call.previous_id)
    return facts_on(Occasion(event.packed.workspace, kind, previous, event.times.happened, is_logout), about)


def facts_on(occasion: Occasion, about: Mentions) -> list[Fact]:
    """The same of an event that is stored."""
    found = _from_stated(occasion, about)
    if about.claimed:
        found += _from_claimed(occasion, about)
    if occasion.type == "alias":
        found += _from_alias(occasion, about)
    if occasion.is_logout:
        found += _boundary(occasion, about)
    return [fact for fact in found if max(len(fact.node), len(fact.target)) <= NODE_BYTES_MAX]


def is_logout_event(name: str) -> bool:
    return name.lower() in LOGOUT_EVENTS


def _from_stated(event: Occasion, about: Mentions) -> list[Fact]:
    stamped = event.type in STAMPED_TYPES
    subject, time = about.subject, event.time
    found: list[Fact] = []
    for identifier in about.stated[1:]:
        stamp = stamped and identifier.kind == ANONYMOUS
        found.append(Fact(identifier.node, subject, time, ASSERTED, stamp))
    return found


def _from_claimed(event: Occasion, about: Mentions) -> Iterator[Fact]:
    strong = about.stated and about.stated[0].kind != ANONYMOUS
    head = about.subject if strong else about.claimed[0].node
    if about.stated and not strong:
        yield Fact(about.subject, head, event.time, CLAIMED, True)
    for identifier in about.claimed:
        if identifier.node != head:
            low, high = sorted((identifier.node, head), key=rank, reverse=True)
            yield Fact(low, high, event.time, CLAIMED, False)


def _from_alias(event: Occasion, about: Mentions) -> Iterator[Fact]:
    """`previousId` has no type: it is read as a user id and as an anonymous id."""
    previous = event.previous_id
    if is_blocked(previous) or not about.stated or about.stated[0].kind != USER:
        return
    workspace, happened = event.workspace, event.time
    yield Fact(node_key(workspace, ANONYMOUS, previous), about.subject, happened, ASSERTED, True)
    low, high = sorted((node_key(workspace, USER, previous), about.subject), key=rank, reverse=True)
    if low != high:
        yield Fact(low, high, happened, MERGED, False)


def _boundary(event: Occasion, about: Mentions) -> Iterator[Fact]:
    for identifier in about.stated:
        if is_anonymous(identifier.node):
            yield Fact(identifier.node, BOUNDARY, event.time, ASSERTED, True)


def encode_facts(facts: list[Fact], derivations: list[Derivation]) -> Iterator[bytes]:
    """Messages that Kafka takes: a pack that is too large becomes two."""
    message = _encode(FactPack(VERSION, facts, derivations))
    if len(message) <= PACK_BYTES_MAX or len(facts) + len(derivations) < 2:
        yield message
    else:
        fact_half, half = (len(facts) + 1) // 2, len(derivations) // 2
        yield from encode_facts(facts[:fact_half], derivations[:half])
        yield from encode_facts(facts[fact_half:], derivations[half:])


def encode_orders(orders: list[Order]) -> bytes:
    """One message for the partition of the nodes that these speak of."""
    return _encode(FactPack(VERSION, [], [], orders))


def decode_facts(value: bytes) -> FactPack:
    """Raises msgspec.DecodeError (no pack of facts) or UnknownFactsVersion."""
    pack = _decode(value)
    if pack.version != VERSION:
        raise UnknownFactsVersion(
            f"facts version {pack.version}, this release reads {VERSION}: upgrade the processors first"
        )
    return pack
