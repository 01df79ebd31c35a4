"""What filters ask: every operator, of paths of every kind."""

from typing import Any

TESTS: tuple[dict[str, Any], ...] = (
    *({"op": op} for op in ("exists", "missing", "blank", "not_blank", "is_true", "is_false")),
    *(
        {"op": "eq", "value": value}
        for value in ("pro", "12", "", "true", "10.5", 12, 10.5, 0, -1, True, False, "0.00001")
    ),
    *({"op": "neq", "value": value} for value in ("pro", 12, True)),
    *({"op": op, "value": ["a", 12, True]} for op in ("in", "not_in", "has_any", "has_all", "has_none")),
    *({"op": op, "value": ["a", "b"]} for op in ("in", "has_all", "has_none")),
    *({"op": op, "value": [3, 12]} for op in ("in", "has_all")),
    *({"op": op, "value": 12} for op in ("gt", "gte", "lt", "lte")),
    {"op": "between", "value": [3, 12]},
    *({"op": "contains", "value": value} for value in ("PR", "ü", "Σ", "2")),
    {"op": "not_contains", "value": "a"},
    *({"op": "starts_with", "value": value} for value in ("p", "2024")),
    {"op": "ends_with", "value": "o"},
    *({"op": "matches", "value": value} for value in ("^p", "(?i)PRO", "a.b", "^$", r"\.5$", "^.$")),
    *(
        {"op": op, "value": value}
        for op in ("before", "after")
        for value in ("2024-03-31", "2024-03-30T22:30:00Z")
    ),
    *(
        {"op": "within", "value": value}
        for value in ({"last": "90d"}, {"calendar": {"this": "month"}}, {"ahead": "7d"})
    ),
    *({"op": "anniversary", "value": value} for value in ("1d", "7d")),
)
FEW: tuple[dict[str, Any], ...] = (
    *({"op": op} for op in ("exists", "not_blank")),
    *({"op": "eq", "value": value} for value in ("a", 12)),
    {"op": "has_all", "value": ["a", "b"]},
    {"op": "contains", "value": "P"},
)
KINDS = ("any", "all", "none")
PROPERTY_PATHS = ("v", "properties.v", "v.w", "v.w.x", "list.w", "list.w.x", "nothing", "a.b")
TYPED_PATHS = (
    *(
        "name",
        "source",
        "page.path",
        "page.title",
        "touch.channel",
        "visit.number",
        "visit.started_at",
        "visit.touch.source",
    ),
    *(
        "device.is_bot",
        "device.os",
        "place.country",
        "commerce.revenue",
        "commerce.coupon",
        "consent.categories",
        "consent.state",
    ),
    *(
        "bot.score",
        "bot.reasons",
        "items",
        "items.sku",
        "items.price",
        "items.position",
        "items.colour",
        "revenue",
        "products",
    ),
)
ORDER_PATHS = (
    "products",
    "products.sku",
    "products.colour",
    "products.price",
    "revenue",
    "coupon",
    "currency",
    "checkout_id",
)
