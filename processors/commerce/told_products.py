"""Statements about products that were told already: what keeps a product that is looked at a thousand times an hour from being a
thousand facts.

A statement goes out when its product has none with these values in this hour, or when it was made earlier than the one that went
out. One state value per product, under the keyed hash of its node key: a version byte, then up to `STATEMENTS_MAX` entries of 20
bytes, the latest hours. To forget one is always safe: it is told again, and changes nothing (products.py).

Deliberately absent: an end for the value of a product that nobody states any more, as with visitors (docs/decisions/0011).
"""

import struct

from schemas.stream import State

PREFIX = b"p"
VERSION = b"\x01"
STATEMENTS_MAX = 4

_ENTRY = struct.Struct(">IQQ")  # hour, digest of the values, earliest time in ms

Statements = dict[tuple[int, int], int]


class ToldProducts:
    """The products that one chunk touches: each is read once and written once."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._products: dict[int, Statements] = {}
        self._changed: dict[int, None] = {}  # in order: the same input gives the same changelog

    def is_news(self, product: int, hour: int, digest: int, time: int) -> bool:
        """Whether this must be sent; it counts as sent from now on. `product` is the hash of its key."""
        statements = self._products.get(product)
        if statements is None:
            statements = self._products[product] = _decode(self._state.get(_key(product)))
        entry = hour, digest
        told = statements.get(entry)
        if told is not None and told <= time:
            return False
        statements[entry] = time
        self._changed[product] = None
        return True

    def save(self) -> None:
        for product in self._changed:
            self._state[_key(product)] = _encode(self._products[product])


def _key(product: int) -> bytes:
    return PREFIX + product.to_bytes(8, "big")


def _encode(statements: Statements) -> bytes:
    latest = sorted(statements.items())[-STATEMENTS_MAX:]
    return VERSION + b"".join(_ENTRY.pack(hour, digest, time) for (hour, digest), time in latest)


def _decode(value: bytes | None) -> Statements:
    if not value or value[:1] != VERSION:
        return {}
    return {(hour, digest): time for hour, digest, time in _ENTRY.iter_unpack(value[1:])}
