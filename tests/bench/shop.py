"""A shop's mixed traffic for the benchmark of enrichment: visits of several calls each, many of them going on at a time.

A visit begins with a page that a campaign, a search engine, a mail or nothing has brought, looks at products, and now and then
fills a cart, names its visitor and orders, which the shop's server reports once more. A third of the visitors were there before;
six of ten are never known. Calls have what analytics.js sends, 0.7 to 2.2 kB. Pure: the same seed gives the same calls.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from schemas.events.pack import PackedEvent
from schemas.identity.identifiers import node_key

START = datetime(2026, 1, 2, 9, tzinfo=UTC)
EVENTS_A_SECOND = 2_000
OPEN_VISITS = 1_000
PRODUCTS = 2_000

AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Safari/537.36",
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{1} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/17.{1} Mobile/15E148 Safari/604.1"
    ),
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{1} Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0",
)
ARRIVALS = (
    ("?utm_source=mail&utm_medium=email&utm_campaign=spring", ""),
    ("?utm_source=search&utm_medium=cpc&utm_campaign=chairs&gclid=EAIaIQobChMI{}", "https://www.google.com/"),
    ("", "https://www.google.com/"),
    ("", "https://blog.example/reviews/chairs"),
    ("", ""),
    ("", ""),
)

Call = dict[str, Any]


class Visitor(msgspec.Struct):
    number: int
    agent: str
    user: str
    arrival: tuple[str, str]


def shop(events: int, seed: int = 7) -> Iterator[PackedEvent]:
    """In the order of their receipt."""
    rng = random.Random(seed)  # noqa: S311 - made-up traffic
    visits = [_visit(rng) for _ in range(OPEN_VISITS)]
    for number in range(events):
        place = rng.randrange(OPEN_VISITS)
        call = next(visits[place], None)
        if call is None:
            visits[place] = _visit(rng)
            call = next(visits[place])
        yield _packed(number, call)


def _visit(rng: random.Random) -> Iterator[Call]:
    number = rng.randrange(3 * OPEN_VISITS) if rng.random() < 0.3 else rng.getrandbits(40)
    agent = AGENTS[number % len(AGENTS)].format(120 + number % 7, number % 6)
    user = f"user-{number}" if number % 5 < 2 else ""
    return visit(Visitor(number, agent, user, rng.choice(ARRIVALS)), rng)


def visit(visitor: Visitor, rng: random.Random) -> Iterator[Call]:
    """The calls of one visit, without ids and times."""
    query, referrer = visitor.arrival
    yield _page(visitor, "/" + query.format(rng.getrandbits(60)), referrer, "Home")
    yield _page(visitor, "/chairs", "https://shop.example/", "Chairs")
    products = [_product(rng.randrange(PRODUCTS)) for _ in range(rng.randint(1, 4))]
    for product in products:
        yield _page(visitor, f"/p/{product['product_id']}", "https://shop.example/chairs", product["name"])
        yield _track(visitor, "Product Viewed", product | {"currency": "EUR", "value": product["price"]})
    if rng.random() < 0.4:
        yield from _shopping(visitor, products, rng)


def _shopping(visitor: Visitor, products: list[Call], rng: random.Random) -> Iterator[Call]:
    cart: Call = {"cart_id": f"c-{visitor.number}", "currency": "EUR"}
    yield _track(visitor, "Product Added", products[0] | cart)
    yield _track(visitor, "Cart Viewed", cart | {"products": products})
    if visitor.user:
        traits = {"email": f"person.{visitor.number}@shop.example", "plan": "gold", "newsletter": True}
        yield _call(visitor, "identify", traits=traits)
    if rng.random() < 0.4:
        value = round(sum(product["price"] * product["quantity"] for product in products), 2)
        order: Call = {"order_id": f"o-{rng.getrandbits(40)}", "currency": "EUR", "products": products}
        order |= {"revenue": value, "total": round(value + 4.9, 2), "shipping": 4.9, "coupon": "SPRING"}
        yield _track(visitor, "Order Completed", order)
        library = {"library": {"name": "analytics-node", "version": "2.1.0"}}
        server: Call = {"type": "track", "event": "Order Completed", "properties": order, "context": library}
        yield server | {"userId": visitor.user or f"guest-{visitor.number}"}


def _product(number: int) -> Call:
    return {
        "product_id": f"p-{number}",
        "sku": f"C-{number:05}",
        "name": f"Chair {number}",
        "category": "Furniture/Chairs",
        "brand": f"Brand {number % 40}",
        "price": number % 300 + 9.9,
        "quantity": 1 + number % 3,
    }


def _page(visitor: Visitor, path: str, referrer: str, title: str) -> Call:
    page: Call = {"url": f"https://shop.example{path}", "path": path.partition("?")[0], "title": title}
    page |= {"referrer": referrer, "search": path[len(page["path"]) :]}
    return _call(visitor, "page", page, name=title, properties=page)


def _track(visitor: Visitor, event: str, properties: Call) -> Call:
    return _call(visitor, "track", event=event, properties=properties)


def _call(visitor: Visitor, kind: str, page: Call | None = None, **fields: Any) -> Call:
    own: Call = page or {
        "url": "https://shop.example/chairs",
        "path": "/chairs",
        "title": "Chairs",
        "search": "",
    }
    context: Call = {
        "page": own,
        "userAgent": visitor.agent,
        "locale": "de-DE",
        "timezone": "Europe/Berlin",
        "screen": {"width": 1920, "height": 1080, "density": 1},
        "library": {"name": "analytics.js", "version": "npm:next-1.66.0"},
    }
    call: Call = {
        "type": kind,
        "anonymousId": f"6f1c1c5e-7a37-4d5a-9d6b-{visitor.number:012d}",
        "context": context,
    }
    return call | fields | ({"userId": visitor.user} if visitor.user else {}) | {"integrations": {}}


def _packed(number: int, call: Call) -> PackedEvent:
    moment = START + timedelta(seconds=number / EVENTS_A_SECOND)
    return packed(call, f"ajs-next-{number:015d}", moment)


def packed(call: Call, message_id: str, moment: datetime) -> PackedEvent:
    """As the collector packs it; the client's clock is right."""
    time = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    anonymous = call.get("anonymousId")
    routing = node_key("main", "a", anonymous) if anonymous else node_key("main", "u", call["userId"])
    return PackedEvent(
        workspace="main",
        source="shop",
        routing=routing,
        type=call["type"],
        message_id=message_id,
        received_at=int(moment.timestamp() * 1000) + 40,
        sent_at="",
        context=b"",
        payload=msgspec.json.encode(call | {"messageId": message_id, "timestamp": time, "sentAt": time}),
        unsigned_links=True,
    )
