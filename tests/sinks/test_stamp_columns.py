"""What is stamped on an event, asked of a real engine by the names that the stamps have."""

import json
from decimal import Decimal

import pytest

from schemas.wire.codec import RESOLVED_EVENT
from tests.sinks.stage import START_MS, Tables, event

PAGES = {
    "all of it": (
        {"url": "https://shop.example/a?b=1", "path": "/a", "title": "A", "referrer": "r", "search": "?b=1"},
        ("https://shop.example/a?b=1", "/a", "A", "r", "?b=1"),
    ),
    "numbers and lists": ({"url": 1, "path": [1], "title": None}, ("1", "[1]", "", "", "")),
    "a text": ("https://shop.example/", ("", "", "", "", "")),
    "nothing": ({}, ("", "", "", "", "")),
}
TOUCH = dict.fromkeys(("term", "content", "click_kind", "click_id", "referrer"), "") | {
    "channel": "email",
    "source": "mail",
    "medium": "email",
    "campaign": "spring",
}


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Tables:
    tables = Tables(clickhouse, module_database)
    pages = [
        event(n, message_id=name, context=json.dumps({"page": page}))
        for n, (name, (page, _)) in enumerate(PAGES.items())
    ]
    tables.insert(
        "events_in", RESOLVED_EVENT, [*pages, event(9, message_id="stamped", **stamps())], "t-0-0-9"
    )
    return tables


def stamps() -> dict[str, object]:
    amounts = dict.fromkeys(("value", "total", "subtotal", "shipping", "tax", "discount"))
    texts = dict.fromkeys(("checkout_id", "cart_id", "coupon", "affiliation"), "")
    line: dict[str, object] = dict.fromkeys(
        ("product_id", "name", "brand", "category", "variant", "coupon", "currency"), ""
    )
    return {
        "visitor": 77,
        "touch": TOUCH,
        "visit": {
            "number": 3,
            "started_at": START_MS,
            "touch": TOUCH,
            "first_touch": TOUCH | {"channel": "direct"},
            "first_touch_at": START_MS - 1,
        },
        "commerce": texts
        | amounts
        | {"order_id": "o1", "currency": "EUR", "revenue": (12_500_000).to_bytes(4, "big", signed=True)},
        "items": [
            line | {"sku": sku, "price": None, "quantity": None, "position": 1} for sku in ("s1", "s2")
        ],
        "clock_offset_ms": -5,
        "consent": {"state": "granted", "categories": ["analytics", "marketing"], "signals": ["dnt"]},
        "bot": {"score": 100, "reasons": ["agent", "network"]},
    }


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_columns_whatever_the_client_calls_one(tables: Tables, name: str) -> None:
    rows = dict(tables.rows("SELECT message_id, page FROM events_resolved"))
    assert tuple(rows[name].values()) == PAGES[name][1]


def test_stamps_are_asked_for_by_their_names(tables: Tables) -> None:
    found = tables.row("""\
SELECT visitor, touch.channel, visit.number, visit.touch.campaign, visit.first_touch.channel,
    toUnixTimestamp64Milli(visit.first_touch_at), commerce.order_id, commerce.revenue, commerce.total,
    items.sku, items.price, clock_offset_ms
FROM events_resolved WHERE message_id = 'stamped'""")
    visit = (3, "spring", "direct", START_MS - 1)
    order = ("o1", Decimal("12.5"), None, ["s1", "s2"], [None, None])
    assert found == (77, "email", *visit, *order, -5)


def test_an_event_without_stamps_has_the_defaults(tables: Tables) -> None:
    rows = tables.rows("""\
SELECT touch.channel, visit.number, device.is_bot, commerce.revenue, items.sku, consent.state, consent.categories, bot.score
FROM events WHERE message_id = 'nothing'""")
    assert rows == [("", 0, False, None, [], "", [], 0)]


@pytest.mark.parametrize(
    "view", ["events_resolved", "people_events(workspace = 'main', people = 'any', bots = 'include')"]
)
def test_consent_and_bots_are_asked_for_by_their_names(tables: Tables, view: str) -> None:
    columns = "consent.state, consent.categories, consent.signals, bot.score, bot.reasons"
    found = tables.row(f"SELECT {columns} FROM {view} WHERE message_id = 'stamped'")  # noqa: S608 - ours
    assert found == ("granted", ["analytics", "marketing"], ["dnt"], 100, ["agent", "network"])
