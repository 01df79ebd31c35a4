"""The typed columns of `events` that a path of a segment or a rule can name, and what is wrong with one that only looks like one
of them.

A misspelt column would be a property that nobody has, so that the condition holds for nobody, or by `neq` for everybody, and
nothing says why. Deliberately absent: what a path means in SQL (schemas/segments/segment_paths.py) and in a processor
(processors/rules/rule_paths.py).
"""

from collections.abc import Sequence
from difflib import get_close_matches

from schemas.events.catalogue import event_spec

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


def is_commerce(events: str | Sequence[str]) -> bool:
    """Whether all names of a selection are ecommerce events of the catalogue."""
    names = [events] if isinstance(events, str) else events
    specs = [event_spec(name) for name in names]
    return all(spec is not None and spec.family == "ecommerce" for spec in specs)


def column_of(path: str, *, of_commerce: bool) -> str:
    """The typed column that a path may mean; of others the path itself. `of_commerce`: in a selection of ecommerce events."""
    head, _, field = path.partition(".")
    if of_commerce:
        if path in AMOUNTS or (path in ORDER_TEXTS and path != "checkout_id"):
            return f"commerce.{path}"
        if head == "products" and field:
            return f"{ITEMS}.{field}" if is_item_field(field) else path
    if head == ITEMS and not is_item_field(field):
        return f"{PROPERTIES}{path}"
    return path


def is_item_field(name: str) -> bool:
    return name in ITEM_TEXTS or name in ITEM_NUMBERS


def is_items(path: str, *, of_commerce: bool) -> bool:
    return path == ITEMS or (path == "products" and of_commerce)
