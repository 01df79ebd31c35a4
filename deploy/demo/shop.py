"""The shop whose traffic is made: what it sells, and the ways by which people come to it. Data.

Prices are multiples of a quarter, so that sums are exact in every order of adding.
"""

from urllib.parse import urlencode, urlsplit

import msgspec

HOME = "http://shop.example"


class Product(msgspec.Struct, frozen=True):
    id: str
    name: str
    category: str
    price: float


class Arrival(msgspec.Struct, frozen=True):
    """How a visit begins: its channel, where it came from, and the campaign in its address."""

    channel: str
    referrer: str = ""
    campaign: tuple[tuple[str, str], ...] = ()


CATALOGUE = (
    Product("tea-01", "Assam Breakfast", "black tea", 8.5),
    Product("tea-02", "Darjeeling First Flush", "black tea", 14.75),
    Product("tea-03", "Earl Grey", "black tea", 9.25),
    Product("tea-04", "Sencha", "green tea", 11.0),
    Product("tea-05", "Genmaicha", "green tea", 10.5),
    Product("tea-06", "Jasmine Pearls", "green tea", 16.25),
    Product("tea-07", "Rooibos Vanilla", "infusion", 7.75),
    Product("tea-08", "Peppermint", "infusion", 6.5),
    Product("pot-01", "Glass Teapot", "teaware", 34.0),
    Product("pot-02", "Cast Iron Teapot", "teaware", 59.5),
    Product("cup-01", "Stoneware Cups", "teaware", 22.25),
    Product("kit-01", "Gift Box", "gifts", 45.0),
)

# As docs/channels.md names them.
DIRECT, ORGANIC, PAID = "direct", "organic_search", "paid_search"
EMAIL, SOCIAL, PAID_SOCIAL, REFERRAL = "email", "organic_social", "paid_social", "referral"

NEWSLETTER = Arrival(
    EMAIL, "", (("utm_source", "newsletter"), ("utm_medium", "email"), ("utm_campaign", "first-flush"))
)
ADVERT = Arrival(
    PAID,
    "https://www.google.com/",
    (
        ("utm_source", "google"),
        ("utm_medium", "cpc"),
        ("utm_campaign", "teapots"),
        ("utm_term", "glass teapot"),
    ),
)
POST = Arrival(SOCIAL, "https://www.instagram.com/")
ADDRESS_BAR = Arrival(DIRECT)

# Twice the same arrival: twice as frequent.
ARRIVALS = (
    *(ADDRESS_BAR, ADDRESS_BAR, ADDRESS_BAR),
    *(Arrival(ORGANIC, "https://www.google.com/"), Arrival(ORGANIC, "https://www.google.com/")),
    *(Arrival(ORGANIC, "https://duckduckgo.com/"), Arrival(ORGANIC, "https://www.bing.com/")),
    *(ADVERT, ADVERT, NEWSLETTER, NEWSLETTER),
    Arrival(
        PAID,
        "https://www.bing.com/",
        (("utm_source", "bing"), ("utm_medium", "cpc"), ("utm_campaign", "gifts")),
    ),
    *(POST, POST),
    Arrival(
        PAID_SOCIAL,
        "",
        (("utm_source", "instagram"), ("utm_medium", "paid-social"), ("utm_campaign", "gifts")),
    ),
    *(Arrival(REFERRAL, "https://tea-blog.example/"), Arrival(REFERRAL, "https://price-check.example/")),
)


def address(path: str, arrival: Arrival | None = None, **more: str) -> str:
    query = urlencode([*(arrival.campaign if arrival else ()), *more.items()])
    return f"{HOME}{path}?{query}" if query else HOME + path


def page_context(url: str, title: str, referrer: str) -> dict[str, object]:
    """`context.page` as a browser's client fills it in."""
    parts = urlsplit(url)
    search = f"?{parts.query}" if parts.query else ""
    return {"url": url, "path": parts.path, "search": search, "title": title, "referrer": referrer}
