"""What a segment is asked about, as plain data: events, who is who, lists, rates. The oracle reads it, and it is put into tables.

A node is a number; its kind (u user id, x external id, e e-mail, a anonymous id, m none of them) stands in `World.kinds`.
Deliberately absent: any meaning, and anything of the product's own code.
"""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

MISSING = 0  # of a received time: when it happened

Node = int

RATES: dict[str, tuple[tuple[date, Decimal], ...]] = {
    "USD": ((date(2023, 1, 1), Decimal("0.9")), (date(2024, 3, 20), Decimal("0.954321987654"))),
    "JPY": ((date(2024, 3, 25), Decimal("0.0061")),),
}


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One event as it is stored. `typed`: enrichment's columns, such as {"commerce": {"revenue": Decimal(5)}, "items": [..]}."""

    at: int
    subject: Node
    message_id: str = ""
    type: str = "track"
    name: str = ""
    received_at: int = MISSING
    is_bot: bool = False
    source: str = "web"
    group_id: str = ""
    properties: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    typed: dict[str, Any] = {}
    identifiers: tuple[Node, ...] = ()

    @property
    def known_at(self) -> int:
        return self.received_at or self.at

    @property
    def place(self) -> tuple[int, str]:
        return self.at, self.message_id


class Stretch(msgspec.Struct, frozen=True):
    """Of a contested device: whose it is from (inclusive) to (exclusive). Its own in a gap."""

    start: int
    end: int
    owner: Node


class Points(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one node's pointer."""

    node: Node
    owner: Node
    stretches: tuple[Stretch, ...] = ()
    version: int = 1
    updated_at: int = 0
    is_deleted: bool = False


class World(msgspec.Struct, frozen=True, kw_only=True):
    """`named`: what the identifiers of nodes say where it matters, as external ids do ("crm:17")."""

    events: tuple[Happened, ...]
    pointers: tuple[Points, ...] = ()
    kinds: dict[Node, str] = {}
    named: dict[Node, str] = {}
    lists: dict[str, tuple[Node, ...]] = {}
    rates: dict[str, tuple[tuple[date, Decimal], ...]] = {}
    base_currency: str = "EUR"
    time_zone: str = "UTC"


class Asked(msgspec.Struct, frozen=True):
    """The three coordinates of an answer: T, K (what had arrived; none: all of it), and whose identity counts."""

    at: int
    known_at: int | None = None
    is_then: bool = False
