"""The example shop, visited in the machine's Chromium against the running stack, and what must have come out of that.

What was clicked is known (example.mjs), so each number is. It is asked of this shop's source alone: whatever else the stack has
does not matter. Deliberately absent: what the other traffic's numbers are (oracle.py).
"""

import asyncio
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import msgspec
from clickhouse_connect.driver.client import Client

from deploy.applying.authority import Wish
from deploy.applying.configuration import apply_file
from deploy.demo.examine import Check
from deploy.demo.javascript import browser
from deploy.demo.libraries import NotAccepted, run_node
from deploy.demo.report import check_lines
from deploy.examples.shop.serve import PAGE, SOURCE, Shop, listening, serving
from deploy.stack.stack import Addresses
from runtime.environment.settings import KafkaSettings, load

CONFIGURATION = PAGE.parent / "shop.yaml"
DRIVER = Path(__file__).with_name("example.mjs")
ANN = "customer-ann"
KNOWN_S_MAX = SETTLE_S_MAX = 90.0
POLL_S = 0.2
# As browsers see them: the driver leads these names to the ports.
SHOP = Shop(
    shop="http://shop.localhost",
    outlet="http://outlet.localhost",
    collector="http://events.shop.localhost",
    landing="http://shop.localhost",
)
ORDER_TOTAL = 115.2  # two pots for 64, a tenth off, shipped for nothing
EVENTS = {
    "page": 12,
    "Product List Viewed": 4,
    "Product Viewed": 3,
    "Product Added": 2,
    "Cart Viewed": 2,
    "Coupon Applied": 1,
    "Checkout Started": 1,
    "Checkout Step Completed": 1,
    "Order Completed": 1,
    "Signed Up": 1,
    "Newsletter Subscribed": 1,
    "Wish Remembered": 1,
    "Mail Opened The Shop": 1,
    "Link Clicked": 1,
}

STORED = (
    "SELECT count() FROM events_resolved WHERE source = {source:String} AND message_id IN {ids:Array(String)}"
)
NAMES = (
    "SELECT if(event != '', event, toString(type)) AS what, count() FROM events_resolved "
    "WHERE source = {source:String} AND what IN {names:Array(String)} GROUP BY what"
)
PEOPLE = (
    "SELECT uniqExactIf(profile_id, anonymous_id NOT LIKE 'daily-%'), uniqExactIf(profile_id, anonymous_id LIKE 'daily-%') "
    "FROM events_resolved WHERE source = {source:String}"
)
ORDERS = (
    "SELECT toFloat64(amount), profile_id = (SELECT any(profile_id) FROM events_resolved WHERE user_id = {user:String}) "
    "FROM orders WHERE order_id = {order:String}"
)
DEVICES = (
    "SELECT DISTINCT anonymous_id FROM events_resolved WHERE source = {source:String} AND anonymous_id != '' "
    "AND profile_id = (SELECT any(profile_id) FROM events_resolved WHERE user_id = {user:String})"
)


class Devices(msgspec.Struct, frozen=True):
    ann: list[str]
    carl: list[str]


class Visited(msgspec.Struct, frozen=True):
    """What the browser says: message ids that were accepted, requests of the one who said no; `none` says why there was none."""

    accepted: list[str] = []
    refused: int = 0
    devices: Devices = Devices([], [])
    order: str = ""
    none: str = ""


async def visit(addresses: Addresses, environ: Mapping[str, str]) -> Visited:
    """Raises NotAccepted or NoJavaScript."""
    found = browser()
    if found is None:
        return Visited(none="no Chromium here: install one, or name it in $CHROMIUM")
    kafka = load(KafkaSettings, {**environ, "KAFKA_BOOTSTRAP_SERVERS": addresses.kafka})
    await asyncio.to_thread(apply_file, CONFIGURATION, kafka, Wish(str(uuid.uuid4())))
    await _is_known(addresses.collector)
    with listening() as server, serving(server, SHOP):
        asked = {
            "browser": str(found),
            "shop": server.server_port,
            "collector": urlsplit(addresses.collector).port,
        }
        answer = await run_node(DRIVER, msgspec.json.encode(asked))
    try:
        return msgspec.json.decode(answer, type=Visited)
    except msgspec.DecodeError as error:
        raise NotAccepted(f"the example shop could not be visited: {answer.decode()[-500:]}") from error


def judge(client: Client, visited: Visited) -> list[Check]:
    """Asks until every number is right, or time is up: what is wrong then is wrong."""
    end = time.monotonic() + SETTLE_S_MAX
    while True:
        checks = checks_now(client, visited)
        if all(check.is_right for check in checks) or time.monotonic() > end:
            return checks
        time.sleep(POLL_S)


def lines(visited: Visited, checks: list[Check]) -> list[str]:
    if visited.none:
        return ["", f"The example shop was not visited: {visited.none}"]
    return [
        "",
        "Four visits of the example shop (deploy/examples/shop) in Chromium, checked against what was clicked:",
        *(line for check in checks for line in check_lines(check)),
    ]


def checks_now(client: Client, visited: Visited) -> list[Check]:
    given = {
        "source": SOURCE,
        "user": ANN,
        "order": visited.order,
        "ids": visited.accepted,
        "names": [*EVENTS],
    }

    def rows(sql: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in client.query(sql, parameters=given).result_rows]

    counted = {str(name): count for name, count in rows(NAMES)}
    return [
        Check(
            "events that the collector took from browsers, stored once",
            len(visited.accepted),
            rows(STORED)[0][0],
        ),
        Check("of them by name", EVENTS, {name: counted.get(name, 0) for name in EVENTS}),
        Check(
            "people, and clicks of somebody who was not asked yet and so is nobody",
            [2, 1],
            [*rows(PEOPLE)[0]],
        ),
        Check(
            "the order's value, and that it is the buyer's",
            [(ORDER_TOTAL, True)],
            [(a, bool(b)) for a, b in rows(ORDERS)],
        ),
        Check(
            "devices of the buyer, the second by a link in a mail",
            sorted({*visited.devices.ann}),
            sorted(str(row[0]) for row in rows(DEVICES)),
        ),
        Check("requests for the visitor who said no", 0, visited.refused),
    ]


async def _is_known(collector: str) -> None:
    """Until the collector serves the shop's script. Raises NotAccepted."""
    end = time.monotonic() + KNOWN_S_MAX
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < end:
            async with session.get(collector + SHOP.script) as reply:
                if reply.status == 200:
                    return
            await asyncio.sleep(POLL_S)
    raise NotAccepted(f"the collector does not serve {SHOP.script}")
