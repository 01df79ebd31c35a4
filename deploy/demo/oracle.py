"""What every number must be, worked out from the traffic that was made, without SQL and without a look at what came out. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import msgspec

from deploy.demo.call import ADDED, ORDERED, VIEWED, Call
from deploy.demo.people import People, page_of
from deploy.demo.plan import BROWSER, Traffic
from deploy.demo.shop import DIRECT, EMAIL, HOME, ORGANIC, PAID, PAID_SOCIAL, REFERRAL, SOCIAL

WEEK = timedelta(days=7)
ENGINES = ("google.com", "bing.com", "duckduckgo.com")
NETWORKS = ("instagram.com", "facebook.com")
REASONS = {  # why each of the traffic's bad events must be refused, in their order
    "no_identifier": 2,
    "unknown_type": 2,
    "wrong_type": 1,
    "event_too_large": 1,
}


BEFORE = "by what came later"  # how an event is known to be somebody's, the strongest for the eye
AFTER = "by their device"
STATED = "by their user id"


class Step(msgspec.Struct, frozen=True, array_like=True):
    """One event of the journey."""

    timestamp: str
    type: str
    what: str
    device: str
    user_id: str


class Channel(msgspec.Struct, frozen=True, array_like=True):
    """Orders and revenue are those of people whose last visit before it, if it was not direct, came by this channel."""

    name: str
    visits: int
    people: int
    orders: int
    revenue: float


Said = tuple[
    str, str, str, str
]  # an event's type, what happened, device and user id, as its client named them


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """Every number that the demonstration shows."""

    accepted: int
    stored: int
    duplicates: int
    times: list[datetime]
    said: dict[Said, int]  # but for those by a browser, which has a device of its own making
    dead: dict[str, int]
    people: int
    with_account: int
    on_two_devices: int
    journey: list[Step]
    journey_known: list[str]  # for each of its events: BEFORE, AFTER or STATED
    segment: list[str]
    channels: list[Channel]
    funnel: list[int]


def expect(traffic: Traffic, now: datetime) -> Expected:
    """`now` (aware) is when the traffic was made; a few minutes later the numbers are the same."""
    people = People(traffic.calls)
    histories: dict[str, list[Call]] = defaultdict(list)
    for call in sorted(traffic.calls, key=lambda call: call.timestamp):
        histories[people.of(call)].append(call)
    journey = histories[traffic.shown_user]
    return Expected(
        accepted=len(traffic.sendings) + len(traffic.refused),
        stored=len(traffic.calls),
        duplicates=len(traffic.sendings) - len(traffic.calls),
        times=sorted(call.happened for call in traffic.calls),
        said=said(traffic),
        dead=REASONS,
        people=len(histories),
        with_account=sum(any(call.user_id for call in calls) for calls in histories.values()),
        on_two_devices=sum(len(devices(calls)) > 1 for calls in histories.values()),
        journey=[
            Step(call.timestamp, call.type, call.what, call.anonymous_id, call.user_id) for call in journey
        ],
        journey_known=[how_known(call, people) for call in journey],
        segment=sorted(person for person, calls in histories.items() if is_lapsed(calls, now)),
        channels=channels(histories),
        funnel=[
            sum(_has(calls, event) for calls in histories.values()) for event in (VIEWED, ADDED, ORDERED)
        ],
    )


def said(traffic: Traffic) -> dict[Said, int]:
    browsers = {sending.call.message_id for sending in traffic.sent_by(BROWSER)}
    others = (call for call in traffic.calls if call.message_id not in browsers)
    return Counter((call.type, call.what, call.anonymous_id, call.user_id) for call in others)


def how_known(call: Call, people: People) -> str:
    if call.user_id:
        return STATED
    return BEFORE if call.timestamp < people.known_since(call.anonymous_id) else AFTER


def devices(calls: Sequence[Call]) -> set[str]:
    return {call.anonymous_id for call in calls if call.anonymous_id}


def is_lapsed(calls: Sequence[Call], now: datetime) -> bool:
    """Added to a cart at least twice in the last seven days, and ordered nothing in them."""
    events = Counter(call.event for call in calls if call.happened >= now - WEEK)
    return events[ADDED] >= 2 and not events[ORDERED]


def channels(histories: dict[str, list[Call]]) -> list[Channel]:
    visits: Counter[str] = Counter()
    visitors: Counter[str] = Counter()
    orders: Counter[str] = Counter()
    revenue: dict[str, float] = defaultdict(float)
    for calls in histories.values():
        came_by = [channel_of(call) for call in calls if is_arrival(call)]
        visits.update(came_by)
        visitors.update(set(came_by))
        for channel, total in _bought(calls):
            orders[channel] += 1
            revenue[channel] += total
    found = (
        Channel(name, visits[name], visitors[name], orders[name], revenue[name])
        for name in {*visits, *orders}
    )
    return sorted(found, key=lambda channel: (-channel.revenue, channel.name))


def is_arrival(call: Call) -> bool:
    """A page that no page of the shop led to."""
    return call.type == "page" and not page_of(call)["referrer"].startswith(HOME)


def channel_of(call: Call) -> str:
    page = page_of(call)
    medium = parse_qs(urlsplit(page["url"]).query).get("utm_medium", [""])[0]
    host = (urlsplit(page["referrer"]).hostname or "").removeprefix("www.")
    if medium:
        return {"cpc": PAID, "email": EMAIL}.get(medium, PAID_SOCIAL)
    if not host:
        return DIRECT
    return ORGANIC if host in ENGINES else SOCIAL if host in NETWORKS else REFERRAL


def _bought(calls: Sequence[Call]) -> Iterator[tuple[str, float]]:
    """Each order's channel and value; `calls` are in the order of time."""
    last = DIRECT
    for call in calls:
        if is_arrival(call) and channel_of(call) != DIRECT:
            last = channel_of(call)
        if call.event == ORDERED:
            yield last, float(str(call.properties["total"]))


def _has(calls: Sequence[Call], event: str) -> bool:
    return any(call.event == event for call in calls)
