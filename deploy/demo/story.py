"""Tells what one visitor does, call by call: visits on devices, things looked at, carts, orders, logins. Pure but for the
seeded generator that it is given.

Visits of one visitor never overlap: each lies in a half-day slot of its own. No slot is near an edge at seven days, so that
"the last 7 days" holds the same visits a few minutes later. Steps of a visit are at least 90 s apart: clients that stamp their
requests move times by how long a request was on its way.
"""

import uuid
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec

from deploy.demo.call import ADDED, ORDERED, SIGNED_OUT, VIEWED, Call, Fields
from deploy.demo.shop import ADDRESS_BAR, CATALOGUE, HOME, Arrival, Product, address, page_context

SLOTS = 27  # of half a day, counted back from now
STEP_S = (90, 200)

AGENTS = {
    "desktop": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "phone": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 "
    "Mobile/15E148 Safari/604.1",
    "tablet": "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 "
    "Mobile/15E148 Safari/604.1",
}


class Device(msgspec.Struct, frozen=True):
    """`kind` is a key of AGENTS."""

    id: str
    kind: str


class Account(msgspec.Struct, frozen=True):
    """Somebody whom the shop can know; a newsletter's reader has an address and no user id."""

    email: str
    user_id: str = ""


class Story:
    """One visitor, or one household. `calls` are in the order in which they were told."""

    def __init__(self, chance: Random, number: int, now: datetime) -> None:
        self.chance = chance
        self.number = number
        self.calls: list[Call] = []
        self._now = now.astimezone(UTC)
        self._at = self._now
        self._device = Device("", "desktop")
        self._url = HOME
        self._cart: list[Product] = []

    def device(self, kind: str) -> Device:
        return Device(new_id(self.chance), kind)

    def account(self, letter: str = "") -> Account:
        name = f"{self.number:04d}{letter}"
        host = self.chance.choice(("mail.example", "post.example", "inbox.example"))
        return Account(email=f"user{name}@{host}", user_id=f"user-{name}")

    def slots(self, number: int, first: int = 0, last: int = SLOTS) -> list[int]:
        """Different ones, the longest ago first."""
        return sorted(self.chance.sample(range(first, last), number), reverse=True)

    def visit(self, device: Device, slot: int, arrival: Arrival = ADDRESS_BAR, link: str = "") -> "Story":
        """A visit begins on the home page, or on the page that a link with somebody's address in it opens."""
        age = timedelta(days=slot * 0.5 + self.chance.uniform(0.1, 0.35))
        self._at, self._device, self._url, self._cart = self._now - age, device, HOME, []
        if link:
            return self.page("Offers", "/offers", arrival, email=link)
        return self.page("Home", "/", arrival)

    def page(self, name: str, path: str, arrival: Arrival | None = None, **parameters: str) -> "Story":
        referrer = arrival.referrer if arrival else self._url
        self._url = address(path, arrival, **parameters)
        return self._tell("page", name=name, context=self._context(name, referrer))

    def look(self, number: int) -> "Story":
        for product in self.chance.sample(CATALOGUE, number):
            self.page(product.name, f"/{product.id}")
            self._track(VIEWED, properties=_line(product))
        return self

    def add(self, number: int) -> "Story":
        for product in self.chance.sample(CATALOGUE, number):
            self._cart.append(product)
            self._track(ADDED, properties=_line(product))
        return self

    def sign_in(self, account: Account) -> "Story":
        """With a user id or, for a newsletter, with an address alone."""
        traits = {"email": account.email, "newsletter": self.chance.random() < 0.5}
        context = self._context("Account", self._url)
        return self._tell("identify", user_id=account.user_id, traits=traits, context=context)

    def sign_out(self) -> "Story":
        return self._track(SIGNED_OUT)

    def order(self) -> "Story":
        """In the browser, by whoever has the device."""
        return self._track(ORDERED, properties=self._order())

    def order_of(self, account: Account) -> "Story":
        """As the shop's server tells it, which knows the user and no device."""
        self._wait()
        self._put("track", user_id=account.user_id, event=ORDERED, properties=self._order())
        return self

    def phone_order(self, account: Account, slot: int) -> "Story":
        """Nobody visits: a customer calls, and the shop's server tells."""
        self._at = self._now - timedelta(days=slot * 0.5 + self.chance.uniform(0.1, 0.35))
        self._cart = self.chance.sample(CATALOGUE, self.chance.randint(1, 3))
        return self.order_of(account)

    @property
    def is_cart_filled(self) -> bool:
        return bool(self._cart)

    def _order(self) -> Fields:
        lines = [_line(product) for product in self._cart]
        total = sum(product.price for product in self._cart)
        return {"order_id": new_id(self.chance), "total": total, "currency": "EUR", "products": lines}

    def _track(self, event: str, properties: Fields | None = None) -> "Story":
        return self._tell(
            "track", event=event, properties=properties or {}, context=self._context("", HOME + "/")
        )

    def _tell(self, kind: str, **fields: object) -> "Story":
        self._wait()
        self._put(kind, anonymous_id=self._device.id, **fields)
        return self

    def _wait(self) -> None:
        self._at += timedelta(seconds=self.chance.randint(*STEP_S))

    def _put(self, kind: str, **fields: object) -> None:
        at = self._at.isoformat(timespec="milliseconds")
        known = {"type": kind, "message_id": new_id(self.chance), "timestamp": at}
        self.calls.append(Call(**known, **fields))  # type: ignore[arg-type] # fields of Call, named by the methods above

    def _context(self, title: str, referrer: str) -> Fields:
        page = page_context(self._url, title or "Shop", referrer)
        return {"page": page, "userAgent": AGENTS[self._device.kind], "locale": "en-GB"}


def _line(product: Product) -> Fields:
    return {
        "product_id": product.id,
        "name": product.name,
        "category": product.category,
        "price": product.price,
        "quantity": 1,
        "currency": "EUR",
    }


def new_id(chance: Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
