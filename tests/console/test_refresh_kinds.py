"""Conditions of every kind that time alone can change: a refresh finds what a look at everybody finds. Real ClickHouse."""

import json
from datetime import UTC, datetime
from random import Random
from typing import Any

from tests.console.refresh_stage import HOUR_MS, VIEWED, Shop, segment
from tests.sinks.stage import START_MS, Tables

BOUGHT = {"event": "Bought"}
DAY_MS = 24 * HOUR_MS
ROUNDS = 5
KINDS: dict[str, dict[str, Any]] = {
    "ago": {"did": VIEWED | {"window": {"ago": ["1h", "3h"]}}},
    "days": {"did": VIEWED | {"days": {"gte": 2}, "window": {"calendar": {"last": 1, "unit": "day"}}}},
    "full": {"did": VIEWED | {"window": {"calendar": {"last": 1, "unit": "day", "full": True}}}},
    "absent": {"absent": {"did": VIEWED, "then_not": BOUGHT, "within": "2h", "window": {"last": "5h"}}},
    "sequence": {"sequence": {"steps": [VIEWED, BOUGHT], "within": "2h", "window": {"last": "6h"}}},
    "first": {"first": VIEWED | {"window": {"last": "4h"}}},
    "last": {"not": {"last": VIEWED | {"window": {"last": "2h"}}}},
    "new": {"profile": {"first_seen": {"last": "3h"}}},
    "due": {"trait": {"name": "due", "op": "within", "value": {"ahead": "3h"}}},
    "born": {"trait": {"name": "born", "op": "anniversary", "value": "2d"}},
    "used": {"all": [{"in_segment": "ago"}, {"not": {"in_segment": "new"}}]},
}


def test_what_time_changes_is_found_whatever_asks_for_it(clickhouse: str, module_database: str) -> None:
    shop, chance, at_ms = Shop(Tables(clickhouse, module_database)), Random(5), 0  # noqa: S311 - the same story each time
    segments = [segment(name, where) for name, where in KINDS.items()]
    for _ in range(ROUNDS):
        for _ in range(chance.randrange(1, 4)):
            something_happens(shop, chance, at_ms)
        at_ms += chance.choice([60_000, HOUR_MS // 2, HOUR_MS, 7 * HOUR_MS, 20 * HOUR_MS])
        shop.refresh(at_ms, *segments)
        report = shop.refresh(at_ms, *segments, is_full=True)
        assert {name: each.drift for (_, name), each in report.standings.items()} == dict.fromkeys(KINDS, 0)
        assert report.told == 0


def something_happens(shop: Shop, chance: Random, at_ms: int) -> None:
    who, late_ms = chance.randrange(1, 10), chance.choice([0, 60_000, HOUR_MS, -HOUR_MS, 5 * HOUR_MS])
    kind = chance.choice(["view", "view", "buy", "identify"])
    if kind == "view":
        shop.view(who, at_ms - late_ms)
    elif kind == "buy":
        shop.view(who, at_ms - late_ms, event="Bought")
    else:
        due = at_ms + chance.choice([-HOUR_MS, HOUR_MS, 2 * HOUR_MS, 4 * HOUR_MS])
        told = {"due": iso(due), "born": iso(at_ms + chance.randrange(4) * DAY_MS)[:10]}
        shop.view(who, at_ms - late_ms, type="identify", event="", traits=json.dumps(told))


def iso(at_ms: int) -> str:
    return datetime.fromtimestamp((START_MS + at_ms) / 1000, UTC).isoformat()
