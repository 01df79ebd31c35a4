"""What enrichment says of one event: the typed parts of a resolved event beside what the client sent.

Each part is a record of schemas/avsc/resolved_event_4.avsc and a column of table `events`, under the names that its fields have
here. A part that says nothing is its default, which costs a few bytes. Absent texts are "", times and numbers 0, amounts
and quantities None, since nought is an amount.

What is stamped is the best knowledge of the moment when the event passed. Where later events may change it (visits, first touch,
what a catalogue fills in), the authoritative value is a view over event time.

Deliberately absent: anything about who the event belongs to.
"""

from decimal import Decimal

import msgspec

MONEY_SCALE = 6  # decimal places that are kept
MONEY_PRECISION = 18  # digits in all: up to 999,999,999,999.999999
MONEY_MAX = Decimal(10) ** (MONEY_PRECISION - MONEY_SCALE)  # exclusive, of either sign


class Touch(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What brought a visitor. `channel` is "" where an event says nothing of it: nearly all, being inside a visit.

    `click_kind` is the parameter that held an ad platform's click id, such as gclid; `referrer` is a host name.
    """

    channel: str = ""
    source: str = ""
    medium: str = ""
    campaign: str = ""
    term: str = ""
    content: str = ""
    click_kind: str = ""
    click_id: str = ""
    referrer: str = ""


class Visit(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The session an event falls into, by what was known when it passed: number 1 is the visitor's first. `touch` brought
    this session, `first_touch` the first one that anything is known of."""

    number: int = 0
    started_at: int = 0
    touch: Touch = Touch()
    first_touch: Touch = Touch()
    first_touch_at: int = 0


class Device(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """`kind`: desktop, mobile, tablet, tv, console, wearable, other or bot."""

    kind: str = ""
    brand: str = ""
    model: str = ""
    os: str = ""
    os_version: str = ""
    browser: str = ""
    browser_version: str = ""
    is_bot: bool = False


class Place(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """`address` is the network address as far as the deployment keeps it; `country` an ISO 3166-1 code of two letters,
    `region` an ISO 3166-2 code without the country's, or a name where the geography file has no codes."""

    address: str = ""
    country: str = ""
    region: str = ""
    city: str = ""
    timezone: str = ""


class Meaning(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the semantic catalogue says: the event's canonical name and its family, "" for an event of one's own.

    `violations` say in words what does not conform, each beginning with the place ("properties.price: ..."), also of a
    tracking plan.
    """

    family: str = ""
    event: str = ""
    violations: tuple[str, ...] = ()


class Item(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One product of an event that lists several, or the one that the event is about."""

    product_id: str = ""
    sku: str = ""
    name: str = ""
    brand: str = ""
    category: str = ""
    variant: str = ""
    coupon: str = ""
    currency: str = ""
    price: Decimal | None = None
    quantity: Decimal | None = None
    position: int = 0


class Commerce(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What an event of family `ecommerce` says of an order, a cart or a checkout. Amounts are in `currency`, an ISO 4217 code."""

    order_id: str = ""
    checkout_id: str = ""
    cart_id: str = ""
    coupon: str = ""
    affiliation: str = ""
    currency: str = ""
    value: Decimal | None = None
    revenue: Decimal | None = None
    total: Decimal | None = None
    subtotal: Decimal | None = None
    shipping: Decimal | None = None
    tax: Decimal | None = None
    discount: Decimal | None = None


class Consent(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the visitor decided, as far as the event and the edge say.

    `state`: pending, granted or denied, "" where nobody was asked. `categories` are those granted, sorted. `signals` say what
    spoke beside them or how the event was taken: gpc, dnt, optout, cookieless.
    """

    state: str = ""
    categories: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()


class Bot(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How likely it is that no person did it: `score` 0 to 100, `reasons` by fixed names (docs/bots.md). `device.is_bot` is the
    score at or over the deployment's threshold."""

    score: int = 0
    reasons: tuple[str, ...] = ()


NO_TOUCH, NO_VISIT, NO_DEVICE, NO_PLACE = Touch(), Visit(), Device(), Place()
NO_MEANING, NO_COMMERCE = Meaning(), Commerce()
NO_CONSENT, NO_BOT = Consent(), Bot()


class Stamps(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """All of them. `visitor` is the node id of the routing id: the device, as a rule; visits and carts are counted per visitor.

    `clock_offset_ms`: how far the client's clock is ahead of the collector's, the request's way included; 0 when it does not say.
    """

    visitor: int = 0
    session_id: str = ""
    visit: Visit = NO_VISIT
    touch: Touch = NO_TOUCH
    device: Device = NO_DEVICE
    place: Place = NO_PLACE
    meaning: Meaning = NO_MEANING
    commerce: Commerce = NO_COMMERCE
    items: tuple[Item, ...] = ()
    clock_offset_ms: int = 0
    consent: Consent = NO_CONSENT
    bot: Bot = NO_BOT


NO_STAMPS = Stamps()
