"""What events say that is hard to read: properties of every form of JSON, orders, and what enrichment stamps."""

import json
from decimal import Decimal
from random import Random
from typing import Any

from tests.console.segment_random import PRODUCTS, VALUES

_NUMBERS: tuple[Any, ...] = (
    *(
        1e20,
        1e21,
        1e22,
        1.5e-7,
        0.00001,
        0.000001,
        12.0,
        -0.0,
        0.1,
        100000.5,
        9007199254740993,
        1.2345678901234567e20,
    ),
    *(
        12345678901234567890123,
        -9223372036854775808,
        2**53,
        5e-324,
        1.7976931348623157e308,
    ),
)
_TEXTS = (
    *(
        "",
        " ",
        "\n12",
        "12 ",
        "-0",
        "1e400",
        "01",
        ".5",
        "1.",
        "+1",
        "a\nb",
        "ΑΣ",
        "İ",
        "ẞ",
        "\u0000x",
        "'\"\\",
        "null",
        "[1]",
        "{}",
    ),
    *(
        "2024-03-31T02:30:00",
        "2024-10-27T02:30",
        "2024-03-31T24:00:00",
        "2024-06-30T23:59:60Z",
        "2024-03-31T00:30:00.1234567Z",
    ),
    *(
        "2024-01-01T00:00:00+14:00",
        "2024-01-01 00:00-1430",
        "1925-05-05T01:02:03.456",
        "9999-12-31",
        "0001-01-01",
        "2024-3-1",
    ),
)
_MIXED: tuple[Any, ...] = (
    *(
        [1, True],
        [True, False],
        [1.5, None, True],
        ["a", 1, True, None],
        [[1, "a"], ["b"]],
        [None],
        [[]],
        [{}],
    ),
    *(
        {},
        {"w": None},
        {"w": {}},
        {"w": 1},
        {"w": "pro"},
        {"w": {"x": 12}},
        {"w": ["a", "b"]},
        {"w": [{"x": 3}]},
        {"w.x": 12},
    ),
    *(
        [{"w": 12}],
        [{"w": "a"}, {"w": None}],
        [{"w": ["a", "b"]}, {"w": "pro"}],
        [{"w": {"x": 12}}, {"w": 3}],
    ),
    *(
        [{"w": [{"x": 12}, {"x": "a"}]}],
        [{"w.x": 12}],
        [{"w": {}}],
        [{"w": {"x": None}}],
        [[{"w": 1}]],
        [{"w": True}, {"w": 1}],
    ),
    *(
        [{"sku": "a", "price": 12, "position": 3}, {"sku": "b"}],
        [{"w": [[12]]}],
        [{"w": [{"sku": "pro"}], "sku": "a"}],
    ),
)
_ODD: tuple[dict[str, Any], ...] = (
    *(
        {"a": {"b": 1}, "a.b": 12},
        {"a": 1, "a.b": 12},
        {"a.b": "pro"},
        {"a": [{"b": 1}], "a.b": 3},
        {"a": {"b": None}, "a.b": 12},
    ),
    *({"v": {"w": {"x": {"y": [1]}}}}, {"list": [{"w": {"x": [{"y": 1}]}}]}, {"v": [{"w": [1, None, True]}]}),
)


def _nested(levels: int, inner: Any) -> Any:
    for _ in range(levels):
        inner = {"w": inner}
    return inner


_DEEP = tuple({"v": "pro", "list": [_nested(levels, 12)]} for levels in (5, 6, 7, 8, 9))
_DEEP_LISTS = tuple({"v": "pro", "list": eval("[" * levels + "]" * levels)} for levels in (8, 9, 10))  # noqa: S307


def _random(count: int) -> list[dict[str, Any]]:
    random = Random(10)  # noqa: S311 - documents, no secret
    values = (*VALUES, *_NUMBERS, *_TEXTS, *_MIXED)
    found = []
    for _ in range(count):
        names = random.sample(("v", "list", "price", "plan", "things", "at", "coupon", "revenue"), 4)
        found.append({name: random.choice(values) for name in names})
    return found


DOCUMENTS: tuple[dict[str, Any], ...] = (
    *({"v": value} for value in (*VALUES, *_NUMBERS, *_TEXTS, *_MIXED)),
    *({"list": value} for value in _MIXED),
    *_ODD,
    *_DEEP,
    *_DEEP_LISTS,
    *_random(60),
    {
        "products": [{"sku": "a", "colour": "red", "price": 12}, {"sku": "b", "colour": None}],
        "items": [{"colour": "a"}],
    },
)
ORDERS: tuple[dict[str, Any], ...] = tuple(
    {
        "event": "Order Completed",
        "properties": json.dumps({"revenue": 5, "products": [dict(item) for item in items]}),
        "commerce": commerce,
        "items": [
            {name: Decimal(value) if name in ("price", "quantity") else value for name, value in item.items()}
            for item in items
        ],
    }
    for items, commerce in (
        (PRODUCTS[:2], {"revenue": Decimal("10"), "coupon": "pro", "currency": "EUR"}),
        (PRODUCTS, {"revenue": Decimal("12"), "coupon": "12"}),
        (PRODUCTS[3:], {"revenue": Decimal("10.5"), "order_id": "o1"}),
        ((), {"revenue": Decimal(0)}),
        (PRODUCTS[2:3], {}),
    )
)
TYPED: tuple[dict[str, Any], ...] = (
    {
        "type": "page",
        "event": "",
        "name": "pro",
        "source": "a",
        "context": '{"page": {"path": "/", "title": 12}}',
    },
    {"type": "page", "event": "", "name": "", "context": '{"page": {"path": ["a"], "title": {"a": 1.50}}}'},
    {"type": "page", "event": "", "context": '{"page": ["u", "pro", null, true]}'},
    {"context": '{"page": "x"}'},
    {"touch": {"channel": "pro", "source": "a"}, "visit": {"number": 12, "started_at": 1_711_840_000_123}},
    {"visit": {"number": 3, "started_at": 1_718_452_800_000, "touch": {"source": "pro"}}},
    {"device": {"is_bot": True, "os": "a"}, "bot": {"score": 12, "reasons": ("a", "b")}},
    {"place": {"country": "a"}, "consent": {"state": "pro", "categories": ("a", "pro"), "signals": ("12",)}},
    {"items": [{"sku": "", "position": 0}, {"sku": "pro", "position": 12, "price": Decimal("12")}]},
    {"commerce": {"value": Decimal("-1"), "revenue": Decimal("12345678901.123456")}},
)
