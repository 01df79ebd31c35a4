"""A shop's traffic made from a seed, with the truth about it: what was done is tallied as it is made up, so nothing of the
product is needed to know what reports must say.

People have one or two devices; visits on a device lie hours apart, events within one minutes. Half of the orders are reported by
the browser and again by a server, which knows the user id alone. Money is in cents.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec

from tests.processors.driver import RECEIVED

SHOP = "https://shop.example"
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
DAYS = 14
USD_CENTS_PER_EUR = 125  # one rate for all days: 0.8 euros a dollar
PRODUCTS = {f"sku-{number:02}": 250 * (number + 1) for number in range(24)}  # cents

# (channel, query, referrer)
ARRIVALS = (
    ("direct", "", ""),
    ("direct", "", ""),
    ("organic_search", "", "https://www.google.com/"),
    (
        "paid_search",
        "?utm_source=google&utm_medium=cpc&utm_campaign=teapots&gclid=Cj0K",
        "https://www.google.com/",
    ),
    ("email", "?utm_source=newsletter&utm_medium=email&utm_campaign=spring", ""),
    ("organic_social", "", "https://www.instagram.com/"),
    ("paid_social", "?utm_source=instagram&utm_medium=paid_social&utm_campaign=gifts", ""),
    ("referral", "", "https://tea-blog.example/pots"),
)


class Person(msgspec.Struct):
    """`user` is known on every device that signed in; `tells` are (time, channel) of visits on those."""

    user: str
    tells: list[tuple[int, str]] = msgspec.field(default_factory=list)


class Order(msgspec.Struct, frozen=True):
    user: str
    currency: str
    cents: int
    is_refunded: bool

    @property
    def net_euro_cents(self) -> int:
        """Amounts are multiples of 250 cents, so this is exact."""
        cents = 0 if self.is_refunded else self.cents
        return cents if self.currency == "EUR" else cents * 100 // USD_CENTS_PER_EUR


class Shop:
    """`calls` in the order in which they were made up; the rest is the truth about them."""

    def __init__(self, seed: int, people: int) -> None:
        self._random = Random(seed)  # noqa: S311 - made-up traffic
        self._number = 0
        self.calls: list[tuple[str, dict[str, Any]]] = []  # the source's id, and the call
        self.sessions: Counter[str] = Counter()  # by channel
        self.bounces: Counter[str] = Counter()
        self.views: Counter[str] = Counter()  # pages
        self.duration_ms: Counter[str] = Counter()
        self.viewed: Counter[str] = Counter()  # by product
        self.added: Counter[str] = Counter()
        self.ordered: Counter[str] = Counter()  # units
        self.orders: dict[str, Order] = {}
        self.misspelt = 0  # prices that are words
        self.people: dict[str, Person] = {}
        for number in range(people):
            self._live(number)

    def first_channels(self) -> Counter[str]:
        """Of people with a user id: what first brought them, on whichever device; those who always came by themselves apart."""
        brought = ([tell for tell in person.tells if tell[1] != "direct"] for person in self.people.values())
        return Counter(min(tells)[1] for tells in brought if tells)

    def _live(self, number: int) -> None:
        devices = [f"device-{number:05}-{index}" for index in range(self._random.choice((1, 1, 2)))]
        is_known = self._random.random() < 0.6
        person = Person(f"user-{number:05}") if is_known else None
        for index, device in enumerate(devices):
            start = RECEIVED - DAYS * DAY_MS + self._random.randrange(DAY_MS) + index * 17 * MINUTE_MS
            for visit in range(self._random.randint(1, 4)):
                signs_in = person is not None and visit == 0
                self._visit(device, start, person, signs_in=signs_in)
                start += self._random.randint(5, 60) * HOUR_MS
        if person:
            self.people[person.user] = person

    def _visit(self, device: str, start: int, person: Person | None, *, signs_in: bool) -> None:
        channel, query, referrer = self._random.choice(ARRIVALS)
        at = start
        self._page(device, at, f"{SHOP}/{query}", referrer)
        acts = self._random.choice((0, 0, 3, 8, 14))
        self.sessions[channel] += 1
        self.bounces[channel] += not acts
        self.views[channel] += 1
        if signs_in and person:
            self._call(
                "browser",
                device,
                at + 500,
                {"type": "identify", "userId": person.user, "traits": {"plan": "free"}},
            )
        for _ in range(acts):
            at += self._random.randint(2, 600) * 1_000
            self.views[channel] += self._act(device, at)
        if acts >= 8 and person:
            at = max(at, self._order(device, at + MINUTE_MS, person.user))
        self.duration_ms[channel] += at - start
        if person:
            person.tells.append((start, channel))

    def _act(self, device: str, at: int) -> int:
        """One page or product event; whether it was a page."""
        kind = self._random.choice(("page", "view", "view", "add"))
        if kind == "page":
            self._page(device, at, f"{SHOP}/tea/{self._random.randrange(50)}", f"{SHOP}/")
            return 1
        sku = self._random.choice(list(PRODUCTS))
        price: Any = PRODUCTS[sku] / 100
        if self._random.random() < 0.01:
            price = "a bargain"
            self.misspelt += 1
        properties = {
            "product_id": sku,
            "sku": sku,
            "name": f"Product {sku}",
            "price": price,
            "quantity": 1,
            "currency": "EUR",
        }
        event = "Product Viewed" if kind == "view" else "Product Added"
        (self.viewed if kind == "view" else self.added)[sku] += 1
        self._track("browser", device, at, event, properties)
        return 0

    def _order(self, device: str, at: int, user: str) -> int:
        """When the device told of it, 0 when it did not."""
        skus = self._random.sample(list(PRODUCTS), self._random.randint(1, 4))
        units = {sku: self._random.randint(1, 3) for sku in skus}
        cents = sum(PRODUCTS[sku] * units[sku] for sku in skus)
        order_id = f"order-{len(self.orders):05}"
        order = Order(user, self._random.choice(("EUR", "EUR", "USD")), cents, self._random.random() < 0.1)
        self.orders[order_id] = order
        self.ordered.update(units)
        said: dict[str, Any] = {
            "order_id": order_id,
            "currency": order.currency,
            "total": cents / 100,
            "revenue": cents / 100,
            "products": [
                {"product_id": sku, "sku": sku, "price": PRODUCTS[sku] / 100, "quantity": units[sku]}
                for sku in skus
            ],
        }
        who = self._random.choice(("browser", "server", "both"))
        if who != "server":
            self._track("browser", device, at, "Order Completed", said)
        if who != "browser":
            # The event's time is the browser's or later, as it ends the visit.
            self._track(
                "server",
                "",
                at + 2_000,
                "Completed Order" if who == "both" else "Order Completed",
                said,
                user=user,
            )
        if order.is_refunded:
            refund = {"order_id": order_id, "currency": order.currency, "total": cents / 100}
            self._track("server", "", at + 3 * DAY_MS, "Order Refunded", refund, user=user)
        return at if who != "server" else 0

    def _page(self, device: str, at: int, url: str, referrer: str) -> None:
        path = url.removeprefix(SHOP).partition("?")[0]
        page = {"url": url, "path": path, "referrer": referrer, "title": "Tea"}
        self._call("browser", device, at, {"type": "page", "properties": page}, page)

    def _track(
        self, source: str, device: str, at: int, event: str, properties: dict[str, Any], *, user: str = ""
    ) -> None:
        call = {"type": "track", "event": event, "properties": properties}
        page = (
            {"url": f"{SHOP}/tea", "path": "/tea", "referrer": f"{SHOP}/", "title": "Tea"} if device else None
        )
        self._call(source, device, at, call | ({"userId": user} if user else {}), page)

    def _call(
        self, source: str, device: str, at: int, call: dict[str, Any], page: dict[str, str] | None = None
    ) -> None:
        self._number += 1
        stamp = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
        envelope = {"messageId": f"m-{self._number:06}", "timestamp": stamp}
        if device:
            envelope["anonymousId"] = device
        self.calls.append((source, call | envelope | ({"context": {"page": page}} if page else {})))

    def arrivals(self, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """All calls in another order, and every thirtieth once more."""
        random = Random(seed)  # noqa: S311 - the order of a test
        found = [*self.calls, *random.sample(self.calls, len(self.calls) // 30)]
        random.shuffle(found)
        yield from found
