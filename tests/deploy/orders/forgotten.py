"""Who is forgotten in the tests of deletion: her plan, and events and dead letters as they are stored."""

from typing import Any

from deploy.orders.plan import Plan
from deploy.orders.tables import Named
from schemas.identity.orders import Erase
from schemas.wire.codec import DEAD_LETTER, encoder
from tests.sinks.stage import START_MS, event

ANN, EMAIL, TABLET, BOB = 101, 102, 103, 104
NAMES = {
    ANN: ("u", "ann-1"),
    EMAIL: ("e", "ann@mail.example"),
    TABLET: ("a", "tablet-1"),
    BOB: ("u", "bob-2"),
}
NOW = START_MS + 10_000
BEFORE, LATE = START_MS, NOW + 1_000
PLAN = Plan(
    by=f"forget/{ANN:016x}-{NOW}",
    until=NOW,
    nodes=frozenset({ANN, EMAIL}),
    erasures=(Erase(ANN, 0, NOW), Erase(EMAIL, 0, NOW), Erase(TABLET, 0, START_MS + 500)),
    orders=(),
)
VALUES = [Named(*NAMES[node], node) for node in (ANN, EMAIL)]

encode_letter = encoder(DEAD_LETTER)


def happened(number: int, *nodes: int, time: int = BEFORE, **fields: Any) -> bytes:
    """An event under the first of these nodes, that names them all."""
    identifiers = [{"node": node, "kind": NAMES[node][0], "value": NAMES[node][1]} for node in nodes]
    text = " ".join(value for _, value in (NAMES[node] for node in nodes))
    said = {
        "subject": nodes[0],
        "timestamp": time,
        "identifiers": identifiers,
        "envelope": f'{{"{text}": 1}}',
    }
    return event(number, anonymous_id="", properties="{}", **said | fields)


def letter(payload: str, stage: str, received_at: int = BEFORE) -> bytes:
    fields = ("source", "reason", "detail", "fingerprint", "message_id")
    return encode_letter(
        dict.fromkeys(fields, "dev")
        | {"workspace": "main", "stage": stage, "received_at": received_at, "payload": payload.encode()}
        | {"raw_partition": -1, "raw_offset": -1, "raw_index": -1}
    )
