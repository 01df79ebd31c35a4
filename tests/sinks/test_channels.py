"""Visits and orders by channel, asked of a real engine: the same whatever order events come in."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from processors.resolver.resolve import Resolver
from schemas.events.pack import encode_pack
from schemas.identity.identifiers import ANONYMOUS, node_id, node_key
from schemas.stream import InputRecord
from schemas.wire.codec import POINTER, RESOLVED_EVENT
from sinks.storing.tables import DICTIONARIES
from tests.processors.driver import HASH_KEY, packed
from tests.sinks.stage import Tables, pointer

PAGE = (Path(__file__).parents[2] / "docs" / "channels.md").read_text()
QUERIES = re.findall(r"^SELECT.*?;$", PAGE, re.DOTALL | re.MULTILINE)
SHOP = "https://shop.example/"
PAID = "?utm_source=google&utm_medium=cpc&utm_campaign=brand&gclid=1"
LETTER = "?utm_source=newsletter&utm_medium=email"
COLUMNS = "toString(day), channel, source, campaign, visits, visitors, people, bounces, orders, revenue"


def view(time: str, device: str, address: str, referrer: str = "") -> dict[str, Any]:
    return {
        "type": "page",
        "anonymousId": device,
        "timestamp": time,
        "context": {"page": {"url": SHOP + address, "referrer": referrer}},
    }


def order(time: str, device: str, name: str, order_id: str, revenue: float) -> dict[str, Any]:
    page = {"url": SHOP + "thanks", "referrer": SHOP}
    said = {"order_id": order_id, "revenue": revenue, "currency": "EUR", "products": []}
    return {
        "type": "track",
        "event": name,
        "anonymousId": device,
        "timestamp": time,
        "properties": said,
        "context": {"page": page},
    }


STORY = [
    view("2024-05-03T10:00:00Z", "d1", PAID, "https://www.google.com/"),
    view("2024-05-03T10:01:00Z", "d1", "shoes", SHOP),
    order("2024-05-03T10:02:00Z", "d1", "Order Completed", "1", 30),
    view("2024-05-03T12:00:00Z", "d2", ""),
    order("2024-05-03T12:01:00Z", "d2", "Order Completed", "2", 10.5),
    view("2024-05-03T13:00:00Z", "d3", "", "https://chatgpt.com/"),
    view("2024-05-04T09:00:00Z", "d1", LETTER),
    order("2024-05-04T09:01:00Z", "d1", "Order Completed", "3", 99),
    order("2024-05-04T09:02:00Z", "d1", "Order Cancelled", "3", 99),
    view("2024-05-04T12:00:00Z", "d1", "shoes"),
    order("2024-05-04T12:01:00Z", "d1", "Order Completed", "4", 20),
]
WANTED = [
    ("2024-05-03", "ai_assistant", "chatgpt", "", 1, 1, 1, 1, 0, Decimal(0)),
    ("2024-05-03", "direct", "", "", 1, 1, 1, 0, 1, Decimal("10.5")),
    ("2024-05-03", "paid_search", "google", "brand", 1, 1, 1, 0, 1, Decimal(30)),
    ("2024-05-04", "direct", "", "", 1, 1, 1, 0, 0, Decimal(0)),
    ("2024-05-04", "email", "newsletter", "", 1, 1, 1, 0, 1, Decimal(20)),
]


DEVICES = [f"device-{number}" for number in range(8)]
TIED = [
    *(
        view("2024-05-03T10:00:00Z", device, f"?utm_source=s{number}&utm_medium=email&utm_campaign=c{number}")
        for number, device in enumerate(DEVICES)
    ),
    order("2024-05-03T10:00:00Z", DEVICES[3], "Order Completed", "1", 30),
    order("2024-05-03T11:00:00Z", DEVICES[0], "Order Refunded", "never-ordered", 5),
]


def stored(tables: Tables, workspace: str, calls: list[dict[str, Any]], story: list[dict[str, Any]]) -> None:
    resolver = Resolver(
        hash_key=HASH_KEY, partitions=1, duplicate_window_days=7, duplicate_ids_per_key_max=99
    )
    state: dict[bytes, bytes] = {}
    values: list[bytes] = []
    for number, call in enumerate(calls):
        message = call | {"messageId": f"{workspace}-{story.index(call)}"}
        routing = node_key(workspace, ANONYMOUS, call["anonymousId"])
        value = encode_pack([packed(message, workspace=workspace, routing=routing)])
        outputs = resolver(0, [InputRecord(number, 0, None, value)], state)
        values += [output.value for output in outputs if output.topic == "events.resolved"]
    tables.insert("events_in", RESOLVED_EVENT, values, workspace)


def test_visits_and_orders_are_counted_by_channel_in_any_order_of_arrival(
    clickhouse: str, database: str
) -> None:
    tables = Tables(clickhouse, database)
    shuffled = STORY[:]
    Random(7).shuffle(shuffled)  # noqa: S311 - the order of a test
    for workspace, calls in (("told", STORY), ("back", STORY[::-1]), ("shuffled", shuffled)):
        stored(tables, workspace, calls, STORY)
        found = tables.rows(
            f"SELECT {COLUMNS} FROM channels WHERE workspace = '{workspace}' ORDER BY day, channel"  # noqa: S608 - names of ours
        )
        assert found == WANTED, workspace
    assert len(QUERIES) == 3
    for query in QUERIES:
        tables.rows(
            query.replace("stitchline.", f"{database}.").replace("today() - 30", "toDate('2024-05-03')")
        )
    assert tables.row("SELECT min(day) FROM channels") == (date(2024, 5, 3),)


def test_an_order_has_the_same_last_touch_when_several_came_at_one_moment(
    clickhouse: str, database: str
) -> None:
    """And what was never reported as ordered is no order of any channel."""
    tables = Tables(clickhouse, database)
    for workspace, calls in (("told", TIED), ("back", TIED[::-1])):
        stored(tables, workspace, calls, TIED)
        nodes = [node_id(node_key(workspace, ANONYMOUS, device), HASH_KEY) for device in DEVICES]
        pointers = [pointer(node, nodes[0], workspace=workspace) for node in nodes[1:]]
        tables.insert("pointers_in", POINTER, pointers, f"pointers-{workspace}")
        tables.reload(DICTIONARIES)
        last = tables.row(f"SELECT touch.campaign FROM last_touch WHERE workspace = '{workspace}'")  # noqa: S608
        found = tables.rows(
            f"SELECT campaign, orders FROM channels WHERE workspace = '{workspace}' AND orders > 0"  # noqa: S608
        )
        assert found == [(*last, 1)]
