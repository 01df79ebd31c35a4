"""The typed columns of `events` that a path of a segment can name, and what is wrong with one that only looks like one of them.

A misspelt column would be a property that nobody has, so that the condition holds for nobody, or by `neq` for everybody, and
nothing says why. Deliberately absent: what a path means in SQL (console/segment_paths.py).
"""

from difflib import get_close_matches

_TOUCH = ("channel", "source", "medium", "campaign", "term", "content", "click_kind", "click_id", "referrer")
AMOUNTS = ("value", "revenue", "total", "subtotal", "shipping", "tax", "discount")
ORDER_TEXTS = ("order_id", "checkout_id", "cart_id", "coupon", "affiliation", "currency")
ITEM_TEXTS = ("product_id", "sku", "name", "brand", "category", "variant", "coupon", "currency")
ITEM_NUMBERS = ("price", "quantity", "position")

TEXTS = frozenset(
    ["name", "source"]
    + [f"page.{name}" for name in ("url", "path", "title", "referrer", "search")]
    + [f"{touch}.{name}" for touch in ("touch", "visit.touch", "visit.first_touch") for name in _TOUCH]
    + [
        f"device.{name}"
        for name in ("kind", "brand", "model", "os", "os_version", "browser", "browser_version")
    ]
    + [f"place.{name}" for name in ("address", "country", "region", "city", "timezone")]
    + [f"commerce.{name}" for name in ORDER_TEXTS]
    + ["consent.state"]
)
LISTS = frozenset(["consent.categories", "consent.signals", "bot.reasons"])
NUMBERS = frozenset([f"commerce.{name}" for name in AMOUNTS] + ["visit.number", "bot.score"])
MOMENTS = frozenset(["visit.started_at", "visit.first_touch_at"])
FLAGS = frozenset(["device.is_bot"])
ITEMS = "items"
PROPERTIES = "properties."

_COLUMNS = TEXTS | LISTS | NUMBERS | MOMENTS | FLAGS
_TYPED = frozenset(column.partition(".")[0] for column in _COLUMNS if "." in column)


def wrong_column(path: str) -> str:
    """ "" for a path that can be meant; else what is wrong, and how to mend it. `items` has fields that are properties too."""
    head, dot, _ = path.partition(".")
    if not dot or head not in _TYPED or path in _COLUMNS:
        return ""
    known = sorted(column for column in _COLUMNS if column.startswith(f"{head}."))
    close = get_close_matches(path, known, n=1)
    hint = f" (did you mean {close[0]}?)" if close else f"; there are {', '.join(known)}"
    return f"there is no column {path}{hint}; a property of that name is {PROPERTIES}{path}"
