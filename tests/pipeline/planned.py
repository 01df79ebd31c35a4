"""A tracking plan on a running stack: what it blocks, what it diverts, and that a repaired event is stored."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.documented import plan_of_the_documentation
from tests.pipeline.asking import stitchline
from tests.pipeline.up import Up, until

BLOCKED = "SELECT DISTINCT stage, reason, arraySort(splitByString('; ', detail)) FROM dead_letters WHERE source = 'magazine'"
SAID = [
    "properties.article: required by the plan and missing",
    "properties.minutes: the plan expects at least 0",
]
STORED = "SELECT source, meaning.event, meaning.violations FROM events WHERE message_id = '{}'"
ODD = [
    "properties.price: expected an amount, found text that reads as a number",
    "properties.product_id or properties.sku: required and missing",
]


def a_plan_holds(up: Up, file: Path) -> None:
    """The one of the documentation."""
    file.write_text(plan_of_the_documentation())
    assert json.loads(stitchline(up, "apply", str(file)))["written"] == ["plan/magazine", "source/magazine"]
    until(lambda: up.status("/v1/track", _read("first", {"article": "a1"})), 200)

    def what_is_blocked() -> list[Any]:
        """One more each time: the processors may hear of a plan after the collector."""
        assert up.status("/v1/track", _read(f"unlike-{uuid4()}", {"minutes": -1})) == 200
        return up.ask(BLOCKED)

    until(what_is_blocked, [["resolve", "plan_violation", SAID]])
    ((blocked,),) = up.ask("SELECT max(message_id) FROM dead_letters WHERE source = 'magazine'")
    assert up.status("/v1/track", _read(blocked, {"article": "a2", "minutes": 3})) == 200
    until(lambda: up.ask(STORED.format(blocked)), [["magazine", "", []]])
    assert up.status("/v1/track", _read("viewed", {"price": "12.50"}) | {"event": "Product Viewed"}) == 200
    until(lambda: up.ask(STORED.format("viewed")), [["magazine-odd", "Product Viewed", ODD]])
    diverted = "SELECT toInt64(sum(events)) FROM ledger WHERE source = 'magazine' AND outcome = 'diverted'"
    until(lambda: up.ask(diverted), [[1]])


def _read(message_id: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "event": "Article Read",
        "userId": "rita",
        "writeKey": "magazine-key",
        "messageId": message_id,
        "properties": properties,
    }
