"""A small shop for the example notebook: forty people over ten days, through the real resolver into real tables."""

from datetime import UTC, datetime, timedelta
from typing import Any

from processors.resolver.resolve import Resolver
from schemas.events.pack import encode_pack
from schemas.identity.identifiers import ANONYMOUS, USER, node_id, node_key
from schemas.stream import InputRecord
from schemas.wire.codec import POINTER, RESOLVED_EVENT
from sinks.storing.tables import DICTIONARIES
from tests.processors.driver import HASH_KEY, packed
from tests.sinks.stage import Tables, pointer

BEGINS = datetime(2024, 5, 1, 10, tzinfo=UTC)
SHOP = "https://shop.example/"
WAYS = [
    ("?utm_source=google&utm_medium=cpc&utm_campaign=brand&gclid=1", "https://www.google.com/"),
    ("?utm_source=newsletter&utm_medium=email&utm_campaign=may", ""),
    ("", "https://chatgpt.com/"),
    ("", ""),
]
SEGMENT = "letter-readers"
MEMBERS = """\
INSERT INTO segment_changes (workspace, segment, profile, seq, change, reason, observed_at, run, attempt)
SELECT 'main', 'letter-readers', profile, 1, 'enter', 'initial', toDateTime64('2024-06-01 00:00:00', 3, 'UTC'), 1, 1
FROM (SELECT DISTINCT profile FROM events_resolved WHERE touch.channel = 'email')"""
SEALED = """\
INSERT INTO segment_runs (run, attempt, step, instant)
VALUES (1, 1, 'sealed', '2024-06-01 00:00:00.000')"""


def user_of(number: int) -> str:
    return f"p{number}" if number else "ann"


def devices_of(number: int) -> list[str]:
    return [f"device-{number}", f"device-{number}-b"] if number % 8 == 0 else [f"device-{number}"]


def calls_of(number: int) -> list[dict[str, Any]]:
    """One person: a visit before anybody knew them, what was looked at, perhaps an order, on a second device for some."""
    user, device = "", devices_of(number)[0]
    at = BEGINS + timedelta(days=number % 10, minutes=number)
    address, referrer = WAYS[number % 4]
    calls = [_page(user, device, at, address, referrer), _product("Product Viewed", user, device, at, 1)]
    if number % 2 == 0:
        calls.append(_product("Product Added", user, device, at, 2))
    if number % 4 == 0:
        later, second = at + timedelta(days=2), devices_of(number)[-1]
        calls.append(_page("", second, later, WAYS[1][0], ""))
        calls.append(_order(user_of(number), second, later, number))
    elif number % 8 == 2:
        calls.append(_order(user_of(number), device, at, number))
    return calls


def _call(kind: str, user: str, device: str, at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "messageId": f"{device}-{at:%d%H%M%S}-{more.get('event', 'page')}",
        **({"userId": user} if user else {}),
        "anonymousId": device,
        "timestamp": at.isoformat().replace("+00:00", "Z"),
        **more,
    }


def _page(user: str, device: str, at: datetime, address: str, referrer: str) -> dict[str, Any]:
    page = {"url": SHOP + address, "path": "/", "referrer": referrer}
    return _call("page", user, device, at, context={"page": page})


def _product(event: str, user: str, device: str, at: datetime, minutes: int) -> dict[str, Any]:
    said = {"product_id": "mug", "price": 8.5, "currency": "EUR"}
    context = {"page": {"url": SHOP + "mug", "referrer": SHOP}}
    return _call(
        "track", user, device, at + timedelta(minutes=minutes), event=event, properties=said, context=context
    )


def _order(user: str, device: str, at: datetime, number: int) -> dict[str, Any]:
    said = {"order_id": f"o{number}", "total": 20 + number, "currency": "EUR", "products": []}
    context = {"page": {"url": SHOP + "thanks", "referrer": SHOP}}
    at += timedelta(minutes=5)
    return _call("track", user, device, at, event="Order Completed", properties=said, context=context)


def pointers() -> list[bytes]:
    """Every device is its person's, as the identify calls of a log-in would have it."""
    return [
        pointer(_node(ANONYMOUS, device), _node(USER, user_of(number)))
        for number in range(40)
        for device in devices_of(number)
    ]


def _node(kind: str, value: str) -> int:
    return node_id(node_key("main", kind, value), HASH_KEY)


def stored(tables: Tables) -> None:
    """The shop's events, and a segment's members as a refresh would have written them."""
    resolver = Resolver(
        hash_key=HASH_KEY, partitions=1, duplicate_window_days=7, duplicate_ids_per_key_max=99
    )
    state: dict[bytes, bytes] = {}
    values: list[bytes] = []
    calls = [call for number in range(40) for call in calls_of(number)]
    for offset, call in enumerate(sorted(calls, key=lambda call: str(call["timestamp"]))):
        value = encode_pack([packed(call)])
        outputs = resolver(0, [InputRecord(offset, 0, None, value)], state)
        values += [output.value for output in outputs if output.topic == "events.resolved" and output.value]
    tables.insert("events_in", RESOLVED_EVENT, values, "story")
    tables.insert("pointers_in", POINTER, pointers(), "pointers")
    tables.reload(DICTIONARIES)
    tables.client.command(MEMBERS)
    tables.client.command(SEALED)
