"""The pack: many raw events of one partition in one Kafka message. Private between collector and resolver.

msgpack, array-like, so a field may be appended and never moved; `version` is the first element.
Packs are why Python is fast enough: what a Kafka message costs, it costs once for all the events in it.
"""

from collections.abc import Callable

import msgspec

from schemas.identity.orders import Order

VERSION = 1


class Connection(msgspec.Struct, array_like=True, frozen=True, gc=False, kw_only=True):
    """What a request says of its sender beside the events in it: the network address, and whether a browser sent it.

    The others are headers of a browser, for an event that does not name its user agent itself: `brands`, `mobile` and
    `platform` are sec-ch-ua, sec-ch-ua-mobile and sec-ch-ua-platform. Absent ones are "".
    """

    address: str
    is_browser: bool = False
    user_agent: str = ""
    brands: str = ""
    mobile: str = ""
    platform: str = ""


class Seen(msgspec.Struct, array_like=True, frozen=True, gc=False, kw_only=True):
    """What the door saw of a visitor's will, and did about it, in the words of stamps.Consent.

    `state` is told only where the source's rules are needed to know it.
    """

    state: str = ""
    signals: tuple[str, ...] = ()


class PackedEvent(msgspec.Struct, array_like=True, frozen=True, gc=False, kw_only=True):
    """One accepted call, checked no further than the door needs.

    `routing` is the node key (identifiers.py) that chose the partition; `received_at` is in ms since the epoch;
    `sent_at` and `context` (raw JSON or b"") are the batch's shared fields; `message_id` is the client's, or the
    collector's when the client gave none; `payload` is the event's own JSON, byte for byte as sent, but that one which a
    browser sent without an anonymousId has its cookie's at the end; `unsigned_links` is the source's setting at that
    moment, carried along so that a replay decides the same; `connection` is None in packs of earlier releases, and where
    the deployment passes no addresses on; `seen` is None for nearly all events.
    """

    workspace: str
    source: str
    routing: bytes
    type: str
    message_id: str
    received_at: int
    sent_at: str
    context: bytes
    payload: bytes
    unsigned_links: bool
    connection: Connection | None = None
    seen: Seen | None = None


class Pack(msgspec.Struct, array_like=True, frozen=True):
    """The Kafka message's value. Consumers refuse a version they do not know. `orders` go before the events."""

    version: int
    events: list[PackedEvent]
    orders: list[Order] = []


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Pack).decode
_FIXED_MAX, _SHORT_MAX = 1 << 4, 1 << 16
_START, _NO_ORDERS = b"\x93" + _encode(VERSION), b"\x90"
encode_event: Callable[[PackedEvent], bytes] = _encode  # one event as it stands in a pack, for `join_pack`


class UnknownPackVersion(ValueError):
    """A pack of a later release: the reader must be upgraded first."""


def join_pack(events: list[bytes]) -> bytes:
    """The pack of events that were encoded one by one: the same bytes as `encode_pack` makes of them."""
    return b"".join((_START, _array_of(len(events)), *events, _NO_ORDERS))


def _array_of(size: int) -> bytes:
    """The head of an array of msgpack (its specification, "array format family")."""
    if size < _FIXED_MAX:
        return bytes((0x90 | size,))
    return b"\xdc" + size.to_bytes(2, "big") if size < _SHORT_MAX else b"\xdd" + size.to_bytes(4, "big")


def encode_pack(events: list[PackedEvent], orders: list[Order] | None = None) -> bytes:
    return _encode(Pack(VERSION, events, orders or []))


def decode_pack(value: bytes) -> Pack:
    """One message. Raises msgspec.DecodeError (not a pack) or UnknownPackVersion."""
    pack = _decode(value)
    if pack.version != VERSION:
        raise UnknownPackVersion(
            f"pack version {pack.version}, this release reads {VERSION}: upgrade the processors first"
        )
    return pack
