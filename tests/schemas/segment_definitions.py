"""Conditions as they are written: one of each form, and any at all, for the tests of all that reads and writes them."""

from typing import Any

from hypothesis import strategies as st

CONDITIONS = """
- {did: {event: "*"}}
- {did: {event: [A, B], type: track, days: {between: [2, 5]}, window: {ago: [7d, 12w]}}}
- {did: {event: A, distinct: {path: products.sku, gte: 3}, window: {from: 2026-01-01}}}
- {did: {event: A, sum: {path: revenue, lt: 99.5}, window: {from: 2026-01-01T12:00:00, to: 2026-02-01T00:00:00Z}}}
- {did: {event: A, avg: {path: revenue, eq: 0}, window: {calendar: {last: 3, unit: month, full: true}}}}
- {did: {event: A, min: {path: a.b, gt: -1}, window: {calendar: {this: week}}}}
- {did: {event: A, max: {path: a, lte: 1}, where: [{none_of: [{path: a, op: missing}, {any_of: [{path: b, op: is_true}]}]}]}}
- {first: {event: A, window: {last: 3d}, having: [{all: {path: products, where: [{path: price, op: gte, value: 10}]}}]}}
- {last: {event: A, type: page, having: [{none: {path: items, where: [{path: sku, op: starts_with, value: X}]}}]}}
- sequence: {steps: [{event: A}, {event: B, where: [{path: p, op: exists}]}], within: 36h, window: {last: 1w},
             without: {event: C}, same: cart_id}
- {absent: {did: {event: A}, then_not: {event: B}, within: 2h, same: order_id}}
- {trait: {name: address.city, op: eq, value: Berlin}}
- {trait: {name: n, op: neq, value: 3}}
- {trait: {name: n, op: eq, value: true}}
- {trait: {name: n, op: not_in, value: [a, 1, false]}}
- {trait: {name: n, op: between, value: [1, 2.5]}}
- {trait: {name: n, op: matches, value: '(?i)^a[0-9]{2,3}\\.$'}}
- {trait: {name: n, op: before, value: 2026-01-01}}
- {trait: {name: n, op: after, value: "2026-01-01 08:00+02:00"}}
- {trait: {name: n, op: within, value: {ahead: 7d}}}
- {trait: {name: n, op: within, value: {last: 7d}}}
- {trait: {name: n, op: anniversary, value: 7d}}
- {trait: {name: n, op: has_all, value: [a, b]}}
- {trait: {name: n, op: blank}}
- {profile: {first_seen: {last: 7d}}}
- {profile: {channel_last: [email, paid_search]}}
- {id: {has: "external:contact_id"}}
- {id: {lacks: email}}
- {group: {where: [{name: plan, op: eq, value: team}], which: last}}
- {in_segment: lapsed-buyers}
- {in_list: vip-2026}
"""

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
NAME = st.sampled_from(["plan", "last", "email", "any", "x_1"]) | st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="."), min_size=1, max_size=8
)
PATH = st.lists(NAME, min_size=1, max_size=3).map(".".join)
SLUGS = ["a", "lapsed-buyers", "0-9"]
SLUG = st.sampled_from(SLUGS)
NUMBER = (
    st.integers(-(2**53), 2**53)
    | st.integers(0, 99_999)
    | st.floats(-1e15, 1e15, allow_nan=False)
    | st.sampled_from([0.0, -0.0, 2.0, 1e-7, 5e-324, 0.1])
)
SCALAR = TEXT | st.just("") | NUMBER | st.booleans()
SCALARS = st.lists(SCALAR, min_size=1, max_size=3)
DURATION = st.builds("{}{}".format, st.integers(1, 5_000), st.sampled_from("smhdw"))
INSTANTS = [
    "2026-01-01",
    "2026-01-02T12:30",
    "2026-03-29 02:30:00",
    "2027-01-01T00:00:00.123+02:00",
    "2028-06-01T00:00Z",
]
UNIT = st.sampled_from(["day", "week", "month"])

_LENGTHS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def _length(duration: str) -> int:
    return int(duration[:-1]) * _LENGTHS[duration[-1]]


def _some(**choices: Any) -> Any:
    """A mapping with any of these keys."""
    return st.fixed_dictionaries({}, optional=choices)


PAIR = st.lists(NUMBER, min_size=2, max_size=2).map(sorted)
AGO = st.lists(DURATION, min_size=2, max_size=2, unique_by=_length).map(lambda two: sorted(two, key=_length))
CALENDAR = st.one_of(
    st.fixed_dictionaries({"this": UNIT}),
    st.fixed_dictionaries({"last": st.integers(1, 3_660), "unit": UNIT}, optional={"full": st.booleans()}),
)
WINDOW = st.one_of(
    st.fixed_dictionaries({"last": DURATION}),
    st.fixed_dictionaries({"ago": AGO}),
    st.fixed_dictionaries({"calendar": CALENDAR}),
    st.sampled_from(INSTANTS).map(lambda text: {"from": text}),
    st.sampled_from(INSTANTS).map(lambda text: {"to": text}),
    st.lists(st.sampled_from(INSTANTS), min_size=2, max_size=2, unique=True).map(
        lambda two: dict(zip(("from", "to"), sorted(two), strict=True))
    ),
)
OF_DATES = WINDOW | st.fixed_dictionaries({"ahead": DURATION})


def _op(names: str, value: Any = None) -> Any:
    needed = {"op": st.sampled_from(names.split())}
    return st.fixed_dictionaries(needed if value is None else {**needed, "value": value})


TEST = st.one_of(
    _op("eq neq", SCALAR),
    _op("in not_in has_any has_all has_none", SCALARS),
    _op("gt gte lt lte", NUMBER),
    _op("between", PAIR),
    _op("contains not_contains starts_with ends_with", TEXT),
    _op(
        "matches",
        st.sampled_from(["^a", "(?i)b+\\.", 'c"|`d'])
        | NAME.map(lambda text: "\\Q" + text.replace("\\", "") + "\\E"),
    ),
    _op("exists missing blank not_blank is_true is_false"),
    _op("before after", st.sampled_from(INSTANTS)),
    _op("within", OF_DATES),
    _op("anniversary", DURATION),
)
TRAIT = st.builds(lambda name, test: {"name": name, **test}, PATH, TEST)
TESTED = st.builds(lambda path, test: {"path": path, **test}, PATH, TEST)


def _deeper(inner: Any) -> Any:
    several = st.lists(inner, min_size=1, max_size=3)
    elements = st.fixed_dictionaries({"path": PATH, "where": several})
    return st.builds(
        lambda name, part: {name: part}, st.sampled_from(["any", "all", "none"]), elements
    ) | st.builds(
        lambda name, parts: {name: parts}, st.sampled_from(["all_of", "any_of", "none_of"]), several
    )


FILTERS = st.lists(st.recursive(TESTED, _deeper, max_leaves=4), max_size=3)
EVENT = st.one_of(
    TEXT, st.just("*"), st.lists(TEXT.filter(lambda name: name != "*"), min_size=1, max_size=3, unique=True)
)
SELECTED: dict[str, Any] = {"event": EVENT}
MAYBE: dict[str, Any] = {"type": st.sampled_from(["track", "page", "screen"]), "where": FILTERS}
SELECTION = st.fixed_dictionaries(SELECTED, optional=MAYBE)
COMPARISON = st.one_of(
    st.builds(lambda op, number: {op: number}, st.sampled_from(["eq", "gte", "lte", "gt", "lt"]), NUMBER),
    st.fixed_dictionaries({"between": PAIR}),
)
MEASURE = st.one_of(
    st.just({}),
    st.builds(lambda name, found: {name: found}, st.sampled_from(["count", "days"]), COMPARISON),
    st.builds(
        lambda name, path, found: {name: {"path": path, **found}},
        st.sampled_from(["distinct", "sum", "avg", "min", "max"]),
        PATH,
        COMPARISON,
    ),
)
DID = st.builds(
    lambda selection, measure: {**selection, **measure},
    st.fixed_dictionaries(SELECTED, optional={**MAYBE, "window": WINDOW}),
    MEASURE,
)
MOMENT = st.fixed_dictionaries(SELECTED, optional={**MAYBE, "window": WINDOW, "having": FILTERS})
SEQUENCE = st.fixed_dictionaries(
    {"steps": st.lists(SELECTION, min_size=2, max_size=6), "within": DURATION},
    optional={"window": WINDOW, "without": SELECTION, "same": PATH},
)
ABSENT = st.fixed_dictionaries(
    {"did": SELECTION, "then_not": SELECTION, "within": DURATION}, optional={"window": WINDOW, "same": PATH}
)
CHANNELS = st.lists(TEXT, min_size=1, max_size=3)
PROFILE = st.one_of(
    st.builds(lambda name, found: {name: found}, st.sampled_from(["first_seen", "last_seen"]), WINDOW),
    st.builds(
        lambda name, found: {name: found}, st.sampled_from(["channel_first", "channel_last"]), CHANNELS
    ),
)
ID = st.builds(
    lambda name, kind: {name: kind},
    st.sampled_from(["has", "lacks"]),
    st.sampled_from(["email", "user", "anonymous", "external:contact_id"]),
)
GROUP = st.fixed_dictionaries(
    {"where": st.lists(TRAIT, min_size=1, max_size=3)}, optional={"which": st.sampled_from(["any", "last"])}
)
LEAF = st.one_of(
    *(
        st.fixed_dictionaries({name: part})
        for name, part in (
            *(("did", DID), ("first", MOMENT), ("last", MOMENT), ("sequence", SEQUENCE), ("absent", ABSENT)),
            *(("trait", TRAIT), ("profile", PROFILE), ("id", ID), ("group", GROUP)),
            *(("in_segment", SLUG), ("in_list", SLUG)),
        )
    )
)


def _within(inner: Any) -> Any:
    return st.fixed_dictionaries({"not": inner}) | st.builds(
        lambda name, parts: {name: parts},
        st.sampled_from(["all", "any"]),
        st.lists(inner, min_size=1, max_size=3),
    )


def _levels(value: Any) -> int:
    inner = [*value.get("all", ()), *value.get("any", ())] if isinstance(value, dict) else []
    inner += [value["not"]] if "not" in value else []
    return 1 + max(map(_levels, inner), default=0)


WHERE = st.recursive(LEAF, _within, max_leaves=8).filter(lambda where: _levels(where) <= 8)
