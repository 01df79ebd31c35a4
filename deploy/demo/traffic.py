"""Made traffic of a small shop, and what each number must be afterwards. Pure: the same seed and `now` give the same traffic.

Four kinds of visitors, in turn: nobody knows them; they log in on one device after days of browsing; they use two devices, the
second one joined only by a link in an e-mail; they are known to the server alone.
"""

import random
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

SHOP = "https://shop.example"
PRODUCTS = (("P1", "Teapot", 24.5), ("P2", "Kettle", 39.0), ("P3", "Cups", 12.0), ("P4", "Strainer", 4.5))
TWICE_SHARE = 0.15  # of all events: sent twice, as a client does that missed an answer
SDK_SHARE = 0.6


class Call(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One event as a client sends it; the fields are those of the Segment spec."""

    type: str
    message_id: str
    timestamp: str
    anonymous_id: str = ""
    user_id: str = ""
    event: str = ""
    name: str = ""
    properties: dict[str, object] = {}
    traits: dict[str, object] = {}
    context: dict[str, object] = {}


class Sending(msgspec.Struct, frozen=True):
    """`by` is "sdk" (segment-analytics-python) or "http"; a call that is sent twice stands twice in the plan."""

    by: str
    call: Call


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One visitor of the made traffic, as the shop would count them."""

    user_id: str
    email: str
    devices: Sequence[str]
    calls: Sequence[Call]
    known_at: Mapping[str, str]  # device -> timestamp of the identify or of the link that told whose it is


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent, and the people behind it."""

    people: Sequence[Person]
    sendings: Sequence[Sending]
    refused: Sequence[dict[str, object]]  # events that must become dead letters, each sent once, in a batch

    @property
    def stored(self) -> int:
        return sum(len(person.calls) for person in self.people)

    @property
    def accepted(self) -> int:
        return len(self.sendings) + len(self.refused)

    @property
    def duplicates(self) -> int:
        return len(self.sendings) - self.stored

    @property
    def lapsed_carts(self) -> list[str]:
        """User ids: added to a cart at least twice in the last seven days, and ordered nothing in them."""
        return sorted(person.user_id for person in self.people if person.user_id and _is_lapsed(person))

    @property
    def two_devices(self) -> Person:
        """The person whose journey is shown."""
        return next(person for person in self.people if len(person.devices) > 1)


def make_traffic(visitors: int, seed: int, now: datetime) -> Traffic:
    """`visitors` people over the fourteen days before `now` (aware), in random order of arrival."""
    chance = random.Random(seed)  # noqa: S311 - made traffic, no secret
    people = [KINDS[number % len(KINDS)](Maker(chance, number, now)) for number in range(visitors)]
    sendings = []
    for call in (call for person in people for call in person.calls):
        times = 2 if chance.random() < TWICE_SHARE else 1
        sendings += [Sending("sdk" if chance.random() < SDK_SHARE else "http", call) for _ in range(times)]
    chance.shuffle(sendings)
    return Traffic(people=people, sendings=sendings, refused=refused_events(chance))


def refused_events(chance: random.Random) -> list[dict[str, object]]:
    """One of each: nobody's event, a type that the spec does not have, an id that is an object."""
    return [
        {"type": "track", "event": "Nobody's Event", "messageId": _uuid(chance)},
        {"type": "dance", "anonymousId": "a-dancer", "messageId": _uuid(chance)},
        {"type": "track", "event": "Odd", "userId": {"id": 7}, "messageId": _uuid(chance)},
    ]


class Maker:
    """Makes one person's calls; ages are days before `now`, and keep away from the edge at seven days."""

    def __init__(self, chance: random.Random, number: int, now: datetime) -> None:
        self.chance = chance
        self.user_id = f"user-{number:04d}"
        self.email = f"user{number:04d}@{'shop' if number % 2 else 'mail'}.example"
        self.devices = [_uuid(chance), _uuid(chance)]
        self._now = now

    def at(self, age_days: float) -> str:
        return (self._now - timedelta(days=age_days)).isoformat(timespec="milliseconds")

    def page(self, device: str, age_days: float, path: str = "/") -> Call:
        page = {"url": SHOP + path, "path": path.split("?")[0], "title": "Shop"}
        return self._call("page", age_days, anonymous_id=device, name="Shop", context={"page": page})

    def identify(self, device: str, age_days: float) -> Call:
        traits: dict[str, object] = {"email": self.email, "plan": self.chance.choice(["free", "pro"])}
        return self._call("identify", age_days, anonymous_id=device, user_id=self.user_id, traits=traits)

    def added(self, device: str, age_days: float) -> Call:
        number, name, price = self.chance.choice(PRODUCTS)
        product: dict[str, object] = {
            "product_id": number,
            "name": name,
            "price": price,
            "quantity": 1,
            "currency": "EUR",
        }
        return self._call("track", age_days, anonymous_id=device, event="Product Added", properties=product)

    def ordered(self, age_days: float) -> Call:
        """From the shop's server, which knows the user and no device."""
        order: dict[str, object] = {"order_id": _uuid(self.chance), "total": 63.5, "currency": "EUR"}
        return self._call("track", age_days, user_id=self.user_id, event="Order Completed", properties=order)

    def _call(self, kind: str, age_days: float, **fields: object) -> Call:
        known = {"type": kind, "message_id": _uuid(self.chance), "timestamp": self.at(age_days)}
        return Call(**known, **fields)  # type: ignore[arg-type] # fields of Call, named by the methods above


def anonymous(make: Maker) -> Person:
    device = make.devices[0]
    calls = [make.page(device, make.chance.uniform(0.1, 13.9)) for _ in range(make.chance.randint(1, 4))]
    return Person(user_id="", email="", devices=[device], calls=calls, known_at={})


def one_device(make: Maker) -> Person:
    """Browses for days, logs in, fills a cart, and orders or not."""
    device = make.devices[0]
    calls = [make.page(device, make.chance.uniform(8, 13.9)) for _ in range(make.chance.randint(1, 4))]
    known = make.identify(device, 6.5)
    calls += [known, *_cart(make, device), *_order(make)]
    return _person(make, calls, {device: known.timestamp})


def two_devices(make: Maker) -> Person:
    """Logs in on the first device; the second is a stranger until a link in an e-mail is opened on it."""
    first, second = make.devices
    calls = [make.page(first, make.chance.uniform(8, 13.9)) for _ in range(2)]
    calls += [make.page(second, make.chance.uniform(4, 13.9)) for _ in range(2)]
    known = make.identify(first, 6.0)
    linked = make.page(second, 3.0, f"/sale?email={make.email}")
    calls += [known, linked, *_cart(make, second), *_order(make)]
    return _person(make, calls, {first: known.timestamp, second: linked.timestamp})


def server_only(make: Maker) -> Person:
    calls = [make.ordered(make.chance.uniform(0.5, 13)) for _ in range(make.chance.randint(1, 2))]
    return _person(make, calls, {})


KINDS = (anonymous, one_device, two_devices, one_device, two_devices, server_only)


def _person(make: Maker, calls: list[Call], known_at: dict[str, str]) -> Person:
    return Person(
        user_id=make.user_id, email=make.email, devices=list(known_at), calls=calls, known_at=known_at
    )


def _cart(make: Maker, device: str) -> list[Call]:
    return [make.added(device, make.chance.uniform(1, 2.5)) for _ in range(make.chance.randint(0, 4))]


def _order(make: Maker) -> list[Call]:
    return [make.ordered(0.5)] if make.chance.random() < 0.4 else []


def _is_lapsed(person: Person) -> bool:
    """Carts and orders of these visitors all lie within three days, so no clock comes into it."""
    added = [call for call in person.calls if call.event == "Product Added"]
    ordered = [call for call in person.calls if call.event == "Order Completed"]
    return len(added) >= 2 and not ordered


def _uuid(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
