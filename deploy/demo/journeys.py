"""The example journeys, played against the running stack with short times: four people, what must reach the receiver, no more.

The rules are those of the example's file; what is a day there is a few seconds here, and nothing waits for the morning.
Deliberately absent: what the other traffic's numbers are (oracle.py).
"""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import yaml
from clickhouse_connect.driver.client import Client

from deploy.applying.authority import Wish
from deploy.applying.configuration import apply_file
from deploy.demo.examine import Check
from deploy.demo.libraries import Door, NotAccepted
from deploy.demo.report import check_lines
from deploy.examples.journeys import receive
from deploy.examples.journeys.receive import Receiver, receiving
from runtime.environment.settings import KafkaSettings

FILE = Path(receive.__file__).with_name("journeys.yaml")
SECRET = "JOURNEYS_SECRET"  # noqa: S105 - the variable's name
# Carts of the made traffic are hours old: what may be no older than half an hour fires for those of this story alone.
SOON = {
    "CART_ABANDONED_AFTER_S": "5",
    "CART_TICK_S": "1",
    "CART_CANDIDATE_AGE_S_MAX": "1800",
    "RULES_TICK_S": "1",
}
WITHIN = "3s"  # instead of a day
KNOWN_S_MAX = SETTLE_S_MAX = 120.0
KNOCK_S = 2.0
POLL_S = 0.1
ANN, BOB, CARL, DORA = PEOPLE = [f"journeys-{name}" for name in ("ann", "bob", "carl", "dora")]

EXPECTED: list[dict[str, Any]] = [
    {"type": "cart.last_call", "user": CARL, "cart": "journeys-cart-1"},
    {"type": "cart.reminder", "user": CARL, "cart": "journeys-cart-1", "value": 64, "first": "Iron Pot"},
    {"type": "onboarding.first_project", "user": BOB, "project": "Herbs"},
    {"type": "onboarding.nudge", "user": ANN},
    {"type": "onboarding.upgraded", "user": ANN, "plan": "pro"},
    {"type": "onboarding.welcome", "user": ANN, "name": "Ann"},
    {"type": "onboarding.welcome", "user": BOB, "name": "there"},
]
FIRED = {
    "cart-last-call done": 1,
    "cart-reminder done": 1,
    "first-project done": 1,
    "first-project refused once": 1,
    "first-project-nudge done": 1,
    "upgraded done": 1,
    "welcome done": 2,
}
FIRINGS = """\
SELECT rtrim(concat(rule, ' ', state, ' ', reason)) AS what, count() FROM firings
WHERE profile_id IN (SELECT profile_id FROM events_resolved WHERE user_id IN {people:Array(String)})
GROUP BY what ORDER BY what"""


def story(now: datetime) -> list[dict[str, Any]]:
    """What the four do, in its order. Only Ann tells her name; Bob makes two projects; Dora buys what is in her cart."""
    pot = {"product_id": "pot", "name": "Iron Pot", "quantity": 2, "price": 32, "currency": "EUR"}
    told: list[tuple[str, str, dict[str, Any]]] = [
        (ANN, "identify", {"first_name": "Ann", "plan": "free"}),
        (ANN, "Signed Up", {}),
        (BOB, "Signed Up", {}),
        (BOB, "Project Created", {"name": "Herbs"}),
        (BOB, "Project Created", {"name": "Blends"}),
        (CARL, "Product Added", {"cart_id": "journeys-cart-1", **pot}),
        (DORA, "Product Added", {"cart_id": "journeys-cart-2", **pot}),
        (DORA, "Order Completed", {"order_id": "j-1", "cart_id": "journeys-cart-2", "products": [pot]}),
        (ANN, "identify", {"plan": "pro"}),
    ]
    return [
        _call(user, what, said, now + timedelta(milliseconds=n)) for n, (user, what, said) in enumerate(told)
    ]


def _call(user: str, what: str, said: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    call = {"userId": user, "timestamp": at.isoformat(), "messageId": str(uuid.uuid4())}
    if what == "identify":
        return call | {"type": "identify", "traits": said}
    return call | {"type": "track", "event": what, "properties": said}


def shortened(document: Any, url: str) -> Any:
    """The file's content, for a receiver at this address."""
    document["destinations"][0]["http"]["url"] = url
    for rule in document["rules"]:
        rule.get("limits", {}).pop("quiet_hours", None)
        if absence := rule["trigger"].get("absence"):
            absence["within"] = WITHIN
    return document


async def play(door: Door, kafka: KafkaSettings, secret: str) -> Receiver:
    """What reached the receiver in the end. Raises NotAccepted."""
    receiver = Receiver(secret, time.time, lambda _: None)  # noqa: TID251 - signatures are of now
    async with aiohttp.ClientSession() as session:
        with receiving(receiver, 0) as url:
            await asyncio.to_thread(_apply, kafka, url)
            await _knock(session, door, receiver)
            await _post(session, door, story(_now()))
            await _until(lambda: len(_of_people(receiver)) >= len(EXPECTED), SETTLE_S_MAX)
    return receiver


def _apply(kafka: KafkaSettings, url: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder, FILE.name)
        file.write_text(yaml.safe_dump(shortened(yaml.safe_load(FILE.read_text()), url)))
        apply_file(file, kafka, Wish(str(uuid.uuid4())))


async def _knock(session: aiohttp.ClientSession, door: Door, receiver: Receiver) -> None:
    """Until the rules are known: others sign up, one after the other, until one is welcomed. Raises NotAccepted."""
    end = time.monotonic() + KNOWN_S_MAX
    while time.monotonic() < end:
        await _post(session, door, [_call(f"journeys-{uuid.uuid4()}", "Signed Up", {}, _now())])
        if await _until(lambda: bool(receiver.deliveries), KNOCK_S):
            return
    raise NotAccepted(f"no rule fired within {KNOWN_S_MAX:.0f} s after they were applied")


async def _post(session: aiohttp.ClientSession, door: Door, calls: list[dict[str, Any]]) -> None:
    body = {"batch": calls, "writeKey": door.write_key}
    async with session.post(f"{door.collector}/v1/batch", json=body) as reply:
        if reply.status != 200:
            raise NotAccepted(f"the collector answers {reply.status}")


async def _until(holds: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        await asyncio.sleep(POLL_S)
    return holds()


def _of_people(receiver: Receiver) -> list[dict[str, Any]]:
    """Without the moment that a nudge names."""
    bodies = [each.body for each in list(receiver.deliveries.values())]
    found = [{key: each[key] for key in each if key != "since"} for each in bodies if each["user"] in PEOPLE]
    return sorted(found, key=lambda each: (each["type"], each["user"]))


def judge(client: Client, receiver: Receiver) -> list[Check]:
    """Asks until every number is right, or time is up: what is wrong then is wrong."""
    end = time.monotonic() + SETTLE_S_MAX
    while True:
        checks = checks_now(client, receiver)
        if all(check.is_right for check in checks) or time.monotonic() > end:
            return checks
        time.sleep(POLL_S)


def checks_now(client: Client, receiver: Receiver) -> list[Check]:
    rows = client.query(FIRINGS, parameters={"people": PEOPLE}).result_rows
    arrived = Counter(each["type"] for each in _of_people(receiver))
    return [
        Check(
            "webhooks by type",
            dict(Counter(each["type"] for each in EXPECTED)),
            dict(sorted(arrived.items())),
        ),
        Check("of them what they say, each once", EXPECTED, _of_people(receiver)),
        Check("webhooks with a signature that is none", 0, receiver.refused),
        Check("firings as ClickHouse has them", FIRED, {str(what): count for what, count in rows}),
    ]


def lines(checks: list[Check]) -> list[str]:
    return [
        "",
        "Two journeys of four people (deploy/examples/journeys) with short times, as they reached a receiver:",
        *(line for check in checks for line in check_lines(check)),
    ]


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - people act now
