"""What every client is told to do: each call of the tracking API, by somebody unknown and by somebody known.

The order matters to a browser library, which remembers who somebody is: first the anonymous calls, then identify, then the rest.
No two calls share type and name, so an event is found again by those two. Absent: how a client spells a call (its driver).
"""

from typing import Any

Call = dict[str, Any]

CONTEXT = {
    "active": True,
    "locale": "de-CH",
    "ip": "203.0.113.0",
    "device": {"model": "Pixel 9", "screens": [{"width": 412, "density": 2.625}]},
    "page": {
        "name": "Cart", "path": "/cart", "referrer": "https://search.example/", "search": "?step=2", "title": "Your cart",
        "url": "https://shop.example/cart?step=2", "keywords": ["shop", "cart"],
    },
    "campaign": {"name": "Frühling „26“", "source": "newsletter", "medium": "email"},
}  # fmt: skip
INTEGRATIONS = {"All": True, "Mixpanel": False, "Adobe Analytics": {"visitorId": "v-1"}}
BASKET = {
    "order_id": "o-1",
    "total": 63.5,
    "currency": "EUR",
    "first": False,
    "count": 9_007_199_254_740_991,
    "note": 'größer \U0001f600 "quoted" \\ line\nbreak',
    "placed": "2026-02-03T04:05:06.789+01:00",
    "products": [
        {"sku": "A-1", "price": 12.25, "quantity": 2, "tags": ["new", "red"]},
        {"sku": "B-2", "price": 39.0, "quantity": 1, "tags": [], "maker": {"name": "Ödön", "since": 1984}},
    ],
    "shipping": {"address": {"city": "Zürich", "lines": ["Gasse 1", ""]}, "express": None},
}
TRAITS = {"plan": "pro", "logins": 17, "address": {"city": "Győr", "zip": "9021"}, "tags": ["a", "b"]}
LONG_AGO = "2025-12-24T18:30:00.250Z"
# Every field of the tracking API's envelope.
WHOLE = {
    "type": "track",
    "event": "Cart Viewed",
    "userId": "whole-user",
    "anonymousId": "whole-device",
    "messageId": "whole-1",
    "properties": BASKET,
    "integrations": INTEGRATIONS,
    "context": CONTEXT | {"library": {"name": "curl", "version": "8.14"}},
    "timestamp": LONG_AGO,
    "originalTimestamp": "2025-12-24T18:29:59.750Z",
    "sentAt": "2025-12-24T18:31:00.000Z",
    "receivedAt": "2025-12-24T18:31:01.000Z",
    "version": "1.1",
    "channel": "server",
}


def calls(who: str) -> list[Call]:
    """`who` goes into every identifier, so that no two deliveries speak of one person."""
    device, user = {"anonymousId": f"{who}-device"}, {"userId": f"{who}-user"}
    known = device | user
    return [
        {"type": "page", "name": "Home", "category": "Shop", "properties": {"depth": 1}, **device},
        {"type": "track", "event": "Product Viewed", "properties": BASKET, "timestamp": LONG_AGO, **device},
        {"type": "screen", "name": "Start", "properties": {"tabs": ["a", "b"]}, "context": CONTEXT, **device},
        {"type": "identify", "traits": {"theme": "dark"}, "integrations": INTEGRATIONS, **device},
        {"type": "group", "groupId": f"{who}-club", "traits": {"seats": 5}, **device},
        {"type": "identify", "traits": TRAITS | {"email": f"{who}@shop.example"}, "context": CONTEXT, **known},
        {"type": "page", "name": "Account", "properties": {"tab": "orders"}, "integrations": INTEGRATIONS, **known},
        {
            "type": "track", "event": "Order Completed", "properties": BASKET, "context": CONTEXT,
            "integrations": INTEGRATIONS, "timestamp": LONG_AGO, **known,
        },
        {"type": "screen", "name": "Settings", "properties": {}, "timestamp": LONG_AGO, **known},
        {"type": "group", "groupId": f"{who}-firm", "traits": {"seats": 9}, "context": CONTEXT, **known},
        {"type": "alias", "previousId": f"{who}-old", "timestamp": LONG_AGO, **user},
    ]  # fmt: skip


def mark(call: Call) -> tuple[str, str]:
    """What tells a call from the others: the same of the call and of the event that a client made of it.

    Not the user id: a browser library adds the one that it knows to an event that it sends again.
    """
    kind = call["type"]
    if kind == "identify":
        traits = call.get("traits") or call["context"]["traits"]
        return kind, "known" if "plan" in traits else "unknown"
    name = {"group": "groupId", "track": "event"}.get(kind, "name")
    return kind, call.get(name) or ""
