"""The edge cases of segments: each is a small world, what is asked, and who is in. `T` is the instant of every evaluation.

Ann and bob, cy and di are user ids; phone and kiosk are devices.
"""

from decimal import Decimal
from typing import Any

import msgspec

from schemas.segments.segments import duration_ms
from tests.console.segment_data import Asked, Happened, Points, Stretch, World

T = 1_718_452_800_000  # 2024-06-15 12:00 UTC, a Saturday
ANN, BOB, CY, DI, PHONE, KIOSK = 1, 2, 3, 4, 10, 11
KINDS = {ANN: "u", BOB: "u", CY: "u", DI: "u", PHONE: "a", KIOSK: "a"}
NUMBERS = ("price", "quantity", "revenue", "total", "value")
BEGINNING, END = 0, 7_258_118_400_000


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """`where`: a condition as it is written in a definition. `members`: who is in; everybody else is not."""

    where: dict[str, Any]
    events: tuple[Happened, ...]
    members: tuple[int, ...]
    pointers: tuple[Points, ...] = ()
    people: dict[str, Any] = {}
    zone: str = "UTC"
    asked: Asked = Asked(T)

    @property
    def world(self) -> World:
        numbered = [
            msgspec.structs.replace(event, message_id=event.message_id or f"m{number:02}")
            for number, event in enumerate(self.events)
        ]
        return World(events=tuple(numbered), pointers=self.pointers, kinds=KINDS)

    @property
    def document(self) -> dict[str, Any]:
        return {"segment": "edge", "timezone": self.zone, "people": self.people, "where": self.where}


def did(name: str = "Viewed", ago: str = "1h", who: int = ANN, **fields: Any) -> Happened:
    """A track of so long before T."""
    return Happened(at=fields.pop("at", T - duration_ms(ago)), subject=who, name=name, **fields)


def seen(*who: int) -> tuple[Happened, ...]:
    """Something that no edge asks about."""
    return tuple(did("Seen", "300d", person) for person in who)


def told(who: int = ANN, ago: str = "1h", message_id: str = "", **traits: Any) -> Happened:
    at = T - duration_ms(ago)
    return Happened(at=at, subject=who, type="identify", traits=traits, message_id=message_id)


def ordered(*products: dict[str, str], who: int = ANN, ago: str = "1h", **amounts: str) -> Happened:
    """An order as enrichment types it; prices and amounts are texts here."""
    typed = {"items": [_exact(product) for product in products], "commerce": _exact(amounts)}
    properties = {"products": [_as_sent(product) for product in products], **_as_sent(amounts)}
    return did("Order Completed", ago, who, typed=typed, properties=properties)


def late(event: Happened) -> Happened:
    """It arrived just before T."""
    return msgspec.structs.replace(event, received_at=T - 1)


def _exact(said: dict[str, str]) -> dict[str, Any]:
    return {name: Decimal(value) if name in NUMBERS else value for name, value in said.items()}


def _as_sent(said: dict[str, str]) -> dict[str, Any]:
    return {name: float(value) if name in NUMBERS else value for name, value in said.items()}


def owned(*parts: tuple[int, int], device: int = PHONE) -> Points:
    """A contested device: from each of these moments on, whose it is."""
    ends = [start for start, _ in parts[1:]] + [END]
    stretches = tuple(Stretch(start, end, owner) for (start, owner), end in zip(parts, ends, strict=True))
    return Points(node=device, owner=device, stretches=stretches)


def of(device: int, owner: int, **fields: Any) -> Points:
    return Points(node=device, owner=owner, **fields)


def count(name: str = "Viewed", window: dict[str, Any] | None = None, **measure: Any) -> dict[str, Any]:
    """A `did` condition."""
    said = {"event": name, **({"window": window} if window else {}), **measure}
    return {"did": said}


def trait(op: str, *value: Any, name: str = "it") -> dict[str, Any]:
    return {"trait": {"name": name, "op": op, **({"value": value[0]} if value else {})}}


def values(*each: Any) -> tuple[Happened, ...]:
    """Ann, bob, cy and di are told to have these, one after the other."""
    return tuple(told(who, it=value) for who, value in zip((ANN, BOB, CY, DI), each, strict=False))


def flow(*steps: str, within: str = "1d", **more: Any) -> dict[str, Any]:
    return {"sequence": {"steps": [{"event": step} for step in steps], "within": within, **more}}


def lacking(first: str, second: str, within: str = "1d", **more: Any) -> dict[str, Any]:
    return {"absent": {"did": {"event": first}, "then_not": {"event": second}, "within": within, **more}}
