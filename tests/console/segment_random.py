"""Random worlds that are hard on segments: equal times, times at the very bounds of windows and days, future and late events,
contested devices with gaps, bots, traits that are unset, pointers that changed. Small pools, so that things meet."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests.console.segment_data import RATES, Happened, Node, Points, Stretch, World
from tests.console.segment_edges import BEGINNING, END, did, ordered
from tests.console.segment_oracle_time import day_of, start_of_day

HOUR = 3_600_000
DAY = 24 * HOUR
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Pacific/Auckland",
    "Asia/Beirut",
)
# Around changes of the clock, a leap day and a plain day.
INSTANTS = (
    1_711_879_200_000,  # 2024-03-31 10:00 UTC: a day of 23 hours in Berlin and Beirut
    1_730_026_800_000,  # 2024-10-27 11:00 UTC: one of 25 hours
    1_709_251_200_000,  # 2024-03-01 00:00 UTC exactly
    1_718_452_800_123,  # 2024-06-15
    1_730_671_200_000,  # 2024-11-03 22:00 UTC: 25 hours in New York
    1_711_843_199_999,  # 2024-03-30 23:59:59.999 UTC
)
LENGTHS = (HOUR, DAY, 2 * DAY, 7 * DAY, 30 * DAY)
NAMES = ("Viewed", "Bought", "Searched")
USERS, EMAILS, EXTERNALS = range(1, 21), range(21, 29), range(31, 36)
DEVICES, NOBODIES, ROBOTS = range(41, 66), range(71, 74), range(81, 84)
KINDS = {
    **dict.fromkeys(USERS, "u"),
    **dict.fromkeys(EMAILS, "e"),
    **dict.fromkeys(EXTERNALS, "x"),
    **dict.fromkeys((*DEVICES, *ROBOTS), "a"),
    **dict.fromkeys(NOBODIES, "m"),
}
VALUES: tuple[Any, ...] = (
    *(3, 10, 10.5, 12, -1, 0, "12", " 12 ", "10.50", "1e1", "inf", "0x1F", "1,5", "NaN"),
    *("pro", "Pro", "PROFI", "", "free", "a", "über", "a.b(c", True, False, "true", "FALSE", None),
    *([], ["a"], ["a", "b"], ["pro", "x"], [3, 12]),
    *("2024-03-30", "2024-03-31T00:00:00", "2024-03-31T00:30:00+02:00", "2024-10-27 01:30", "2024-02-30"),
    *("2024-02-29", "1988-02-29", "1990-06-16", "1990-03-31T23:30:00Z", 1_711_840_000, 1_711_839_600_000),
)
PRODUCTS: tuple[dict[str, str], ...] = (
    {"product_id": "p1", "sku": "a", "category": "shoes", "price": "19.99", "quantity": "1"},
    {"product_id": "p2", "sku": "b", "category": "hats", "price": "5", "quantity": "3"},
    {"product_id": "p3", "sku": "c", "category": "Shoes"},
    {"sku": "a", "category": "hats", "price": "10", "brand": "acme"},
)
CHANNELS, PATHS = ("email", "paid_search", "direct"), ("/", "/cart", "/Cart/2")
GROUPS = ("g1", "g2", "g3")
TRAITS = ("plan", "age", "tags", "born")

EVENTS = 400


def random_world(random: Random, at: int) -> World:
    times = _times(random, at)
    events = [_event(random, times) for _ in range(EVENTS)]
    ids = [f"m{number:03}" for number in range(EVENTS)]
    random.shuffle(ids)
    return World(
        events=tuple(_sent(event, name, random) for event, name in zip(events, ids, strict=True)),
        pointers=tuple(_pointers(random, at, times)),
        kinds=KINDS,
        named={node: f"{random.choice(('crm', 'contact_id'))}:{node}" for node in EXTERNALS},
        lists={"vip": tuple(random.sample((*USERS, *EMAILS, *DEVICES), 8))},
        rates=RATES,
        time_zone=random.choice(ZONES),
    )


def _times(random: Random, at: int) -> Callable[[], int]:
    """Few different ones, and all that are just inside or outside of something."""
    edges = [at - length + shift for length in LENGTHS for shift in (-1, 0, 1)]
    exact = [at - length for length in LENGTHS[:-1]]
    edges += [at - length - DAY + shift for length in LENGTHS for shift in (0, 1)]
    today = [day_of(at, ZoneInfo(zone)) for zone in ZONES]
    midnights = [
        start_of_day(day - timedelta(days=days), ZoneInfo(zone)) + shift
        for zone, day in zip(ZONES, today, strict=True)
        for days in (0, 1, 2, 7, day.weekday(), day.day - 1)
        for shift in (-1, 0, 20 * 60_000)
    ]
    near = [at - hours * HOUR for hours in (1, 2, 3, 24, 25, 26, 48)]
    future = [at - 1, at, at + 1, at + HOUR, at + DAY]
    pools = (edges, edges, exact, exact, midnights, near, near, future)

    def one() -> int:
        return (
            random.choice(random.choice(pools)) if random.random() < 0.85 else at - random.randrange(40 * DAY)
        )

    return one


def _event(random: Random, times: Callable[[], int]) -> Happened:
    if random.random() < 0.04:
        return did(random.choice(NAMES), who=random.choice(ROBOTS), at=times(), is_bot=True)
    who = random.choice((*USERS, *USERS, *EMAILS, *EXTERNALS, *DEVICES, *DEVICES, *NOBODIES))
    kinds = (_track, _track, _track, _order, _page, _identify, _group)
    return random.choice(kinds)(random, who, times())


def _track(random: Random, who: Node, at: int) -> Happened:
    properties = {name: random.choice(VALUES) for name in ("price", "plan") if random.random() < 0.8}
    if random.random() < 0.4:
        items = random.choices(PRODUCTS, k=random.randrange(3))
        properties["things"] = [
            {"id": item["sku"], "price": random.choice((3, "12", None))} for item in items
        ]
    if random.random() < 0.4:
        properties["at"] = {"shop": random.choice(("a", "b", None)), "shelf": {"row": random.randrange(3)}}
    is_bot = random.random() < 0.1
    return did(random.choice(NAMES), who=who, at=at, properties=properties, is_bot=is_bot)


def _order(random: Random, who: Node, at: int) -> Happened:
    amounts = {"revenue": random.choice(("10", "19.99", "0", "30.01"))} if random.random() < 0.8 else {}
    said = {"currency": random.choice(("EUR", "USD", "JPY", "CHF")), "coupon": random.choice(("may", "MAY2"))}
    some = {name: value for name, value in said.items() if random.random() < 0.7}
    order = ordered(*random.choices(PRODUCTS, k=random.randrange(4)), who=who, **amounts, **some)
    return _changed(order, at=at, is_bot=random.random() < 0.1)


def _page(random: Random, who: Node, at: int) -> Happened:
    typed: dict[str, Any] = {
        "page": {"path": random.choice(PATHS)},
        "place": {"country": random.choice(("DE", ""))},
    }
    if random.random() < 0.5:
        typed["touch"] = {"channel": random.choice(CHANNELS)}
    return Happened(
        at=at,
        subject=who,
        type=random.choice(("page", "page", "screen")),
        name=random.choice(("Home", "Pricing")),
        typed=typed,
        is_bot=random.random() < 0.1,
    )


def _identify(random: Random, who: Node, at: int) -> Happened:
    traits = {name: random.choice(VALUES) for name in TRAITS if random.random() < 0.6}
    if random.random() < 0.4:
        traits["address"] = random.choice((None, {"city": random.choice(VALUES)}, {"geo": {"lat": 12}}))
    return Happened(at=at, subject=who, type="identify", traits=traits)


def _group(random: Random, who: Node, at: int) -> Happened:
    traits = {name: random.choice(VALUES) for name in ("plan", "age") if random.random() < 0.5}
    return Happened(at=at, subject=who, type="group", group_id=random.choice(GROUPS), traits=traits)


def _sent(event: Happened, name: str, random: Random) -> Happened:
    late = random.choice((0, 0, 1, HOUR, 3 * DAY))
    others = [node for node in (random.choice(EMAILS), random.choice(EXTERNALS)) if random.random() < 0.05]
    return _changed(event, message_id=name, received_at=event.at + late, identifiers=tuple(others))


def _changed(event: Happened, **fields: Any) -> Happened:
    known = {name: getattr(event, name) for name in event.__struct_fields__}
    return Happened(**{**known, **fields})


def _pointers(random: Random, at: int, times: Callable[[], int]) -> list[Points]:
    """From less to more authority, with chains; half of the devices, some of them shared. Some changed once or twice."""
    found = [version for node in EMAILS for version in _history(random, at, node, USERS)]
    found += [version for node in EXTERNALS for version in _history(random, at, node, USERS)]
    found += [version for node in USERS[12:16] for version in _history(random, at, node, USERS[:8])]
    for device in DEVICES[:14]:
        found += _history(random, at, device, (*USERS, *EMAILS, *EXTERNALS))
    for device in DEVICES[9:14]:
        found.append(_shared(random, device, times))
    return found


def _history(random: Random, at: int, node: Node, owners: Any) -> list[Points]:
    return [
        Points(
            node=node,
            owner=random.choice((node, *owners)),
            version=version,
            updated_at=at - random.choice(LENGTHS) // version - version,
            is_deleted=random.random() < 0.05,
        )
        for version in range(1, random.choice((1, 2, 2, 3, 4)))
    ]


def _shared(random: Random, device: Node, times: Callable[[], int]) -> Points:
    starts = [BEGINNING, *sorted({times() for _ in range(random.randrange(1, 4))})]
    owners = [random.choice((*USERS, *EMAILS)) for _ in starts]
    gap = random.randrange(len(starts) + 1)
    parts = [device if number == gap and number else owner for number, owner in enumerate(owners)]
    ends = [*starts[1:], END]
    stretches = tuple(Stretch(*part) for part in zip(starts, ends, parts, strict=True))
    return Points(node=device, owner=device, stretches=stretches, version=9, updated_at=starts[-1])
