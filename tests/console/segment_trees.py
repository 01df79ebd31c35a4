"""Random definitions of segments, as people write them: conditions of every kind over what segment_random.py puts into worlds."""

from typing import Any

from hypothesis import strategies as st

from tests.console.segment_random import CHANNELS, NAMES, PATHS, ZONES

Strategy = st.SearchStrategy[Any]

LENGTHS = ("1h", "1d", "2d", "7d", "30d")
LENGTH = st.sampled_from(LENGTHS)
NUMBERS = st.sampled_from((0, 1, 2, 3, 10, 12, 10.5, 30))
UNIT = st.sampled_from(("day", "week", "month"))
INSTANTS = (
    *("2024-03-30", "2024-03-31T01:00:00Z", "2024-02-29T12:00", "2024-10-27T00:30:00+02:00", "2024-06-15"),
    *("2024-06-10T00:00:00Z", "2024-11-02"),
)
INSTANT = st.sampled_from(INSTANTS)
TEXTS = ("pro", "Pro", "12", "a", "b", "free", "true", "", "10.5")
SCALAR = st.sampled_from((*TEXTS, 3, 10, 12, 10.5, -1, True, False))
SOME = st.lists(SCALAR, min_size=1, max_size=3)


def _ordered_pair(pair: tuple[Any, Any]) -> list[Any]:
    return sorted(pair)


PAIR = st.tuples(NUMBERS, NUMBERS).map(_ordered_pair)
COMPARISON = st.one_of(
    st.sampled_from(("eq", "gte", "lte", "gt", "lt")).flatmap(
        lambda name: NUMBERS.map(lambda bound: {name: bound})
    ),
    PAIR.map(lambda ends: {"between": ends}),
)
SMALL = st.one_of(
    st.sampled_from(("eq", "gte", "lte", "gt", "lt")).flatmap(
        lambda name: st.integers(0, 3).map(lambda bound: {name: bound})
    ),
    st.just({"between": [1, 2]}),
)
AGO = st.sampled_from((["1h", "1d"], ["1d", "2d"], ["1d", "7d"], ["2d", "30d"]))
CALENDAR = st.one_of(
    UNIT.map(lambda unit: {"this": unit}),
    st.builds(
        lambda last, unit, full: {"last": last, "unit": unit, "full": full},
        st.integers(1, 3),
        UNIT,
        st.booleans(),
    ),
)
FROM_TO = st.one_of(
    INSTANT.map(lambda start: {"from": start}),
    INSTANT.map(lambda end: {"to": end}),
    st.just({"from": "2024-03-30T22:00", "to": "2024-03-31T22:00"}),
    st.just({"from": "2024-06-01", "to": "2024-06-15T12:00:00.123Z"}),
)
WINDOW = st.one_of(
    LENGTH.map(lambda text: {"last": text}),
    AGO.map(lambda ends: {"ago": ends}),
    CALENDAR.map(lambda said: {"calendar": said}),
    FROM_TO,
)
DATES = st.one_of(WINDOW, LENGTH.map(lambda text: {"ahead": text}))
PATTERN = st.sampled_from(("^p", "(?i)pro", "o$", "^[0-9.]+$", "a|b", r"\(c"))


def _op(names: tuple[str, ...], value: Strategy) -> Strategy:
    return st.builds(lambda op, literal: {"op": op, "value": literal}, st.sampled_from(names), value)


TEST = st.one_of(
    _op(("eq", "neq"), SCALAR),
    _op(("in", "not_in", "has_any", "has_all", "has_none"), SOME),
    _op(("gt", "gte", "lt", "lte"), NUMBERS),
    _op(("between",), PAIR),
    _op(
        ("contains", "not_contains", "starts_with", "ends_with"),
        st.sampled_from(("pr", "a", "12", "RO", "Ü")),
    ),
    _op(("matches",), PATTERN),
    st.sampled_from(("exists", "missing", "blank", "not_blank", "is_true", "is_false")).map(
        lambda op: {"op": op}
    ),
    _op(("before", "after"), INSTANT),
    _op(("within",), DATES),
    _op(("anniversary",), st.sampled_from(("1d", "7d", "30d"))),
)


def _tested(paths: tuple[str, ...], test: Strategy = TEST, key: str = "path") -> Strategy:
    return st.builds(lambda path, said: {key: path, **said}, st.sampled_from(paths), test)


def _filters(leaf: Strategy, arrays: Strategy) -> Strategy:
    def deeper(inner: Strategy) -> Strategy:
        names = st.sampled_from(("all_of", "any_of", "none_of"))
        return st.builds(
            lambda name, several: {name: several}, names, st.lists(inner, min_size=1, max_size=2)
        )

    return st.lists(st.one_of(leaf, leaf, leaf, arrays, deeper(leaf)), min_size=1, max_size=2)


def _of_elements(path: str, fields: tuple[str, ...]) -> Strategy:
    where = st.lists(_tested(fields), min_size=1, max_size=2)
    return st.builds(
        lambda kind, several: {kind: {"path": path, "where": several}},
        st.sampled_from(("any", "all", "none")),
        where,
    )


OF_TRACKS = _filters(
    _tested(("price", "properties.plan", "things.id", "things.price", "at.shop", "at.shelf.row")),
    _of_elements("things", ("id", "price")),
)
OF_ORDERS = _filters(
    _tested(("products.sku", "products.category", "products.price", "revenue", "coupon", "currency")),
    _of_elements("products", ("sku", "category", "price", "brand")),
)
OF_PAGES = _filters(
    st.one_of(
        _tested(("page.path",), _op(("eq", "neq", "starts_with"), st.sampled_from(PATHS))),
        _tested(
            ("touch.channel",),
            _op(("in", "not_in"), st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=2)),
        ),
        _tested(("place.country", "name", "source")),
    ),
    _tested(("properties.nothing",)),
)


def _selection(events: Strategy, where: Strategy) -> Strategy:
    """Most have no filters: those that have them mean few events, and bounds of time are seldom what decides."""
    filters = st.one_of(st.just({}), st.just({}), where.map(lambda several: {"where": several}))
    return st.builds(lambda event, rest: {"event": event} | rest, events, filters)


TRACKS = _selection(st.sampled_from((*NAMES, ["Viewed", "Bought"])), OF_TRACKS)
ORDERS = _selection(st.just("Order Completed"), OF_ORDERS)
PAGES = st.builds(
    lambda said, type: said | ({"type": type} if type else {}),
    _selection(st.sampled_from(("*", "*", "Home", ["Home", "Pricing"])), OF_PAGES),
    st.sampled_from(("page", "screen")),
)
EVERYTHING = st.just({"event": "*"})
SELECTION = st.one_of(TRACKS, TRACKS, ORDERS, PAGES, EVERYTHING)
STEP = st.one_of(
    _selection(st.sampled_from((*NAMES, "Order Completed", ["Viewed", "Bought"])), st.just([])),
    EVERYTHING,
    TRACKS,
)


def _measured(paths: tuple[str, ...], names: tuple[str, ...]) -> Strategy:
    return st.builds(
        lambda name, path, compared: {name: {"path": path, **compared}},
        st.sampled_from(names),
        st.sampled_from(paths),
        COMPARISON,
    )


def _did(selection: Strategy, *measures: Strategy) -> Strategy:
    plain: tuple[Strategy, ...] = (
        st.just({}),
        SMALL.map(lambda said: {"count": said}),
        SMALL.map(lambda said: {"days": said}),
    )
    bounded = WINDOW.map(lambda window: {"window": window})
    windows = st.one_of(st.just({}), bounded, bounded, bounded)
    return st.builds(
        lambda said, how, when: {"did": said | how | when}, selection, st.one_of(*plain, *measures), windows
    )


AMOUNTS = ("sum", "avg", "min", "max")
DID = st.one_of(
    _did(
        TRACKS,
        _measured(("price", "things.price"), AMOUNTS),
        _measured(("price", "plan", "things.id"), ("distinct",)),
    ),
    _did(ORDERS, _measured(("revenue",), AMOUNTS), _measured(("products.sku", "coupon"), ("distinct",))),
    _did(PAGES, _measured(("page.path", "touch.channel"), ("distinct",))),
    _did(EVERYTHING),
)
MOMENT = st.builds(
    lambda kind, said, having, when: {kind: said | having | when},
    st.sampled_from(("first", "last")),
    SELECTION,
    st.one_of(st.just({}), OF_TRACKS.map(lambda having: {"having": having})),
    st.one_of(st.just({}), WINDOW.map(lambda window: {"window": window})),
)
_WHEN = {"window": WINDOW}
_SAME = {"same": st.sampled_from(("plan", "at.shop", "price"))}
SEQUENCE = st.fixed_dictionaries(
    {"steps": st.lists(STEP, min_size=2, max_size=4), "within": LENGTH},
    optional=_WHEN | _SAME | {"without": STEP},
).map(lambda said: {"sequence": said})
ABSENT = st.fixed_dictionaries({"did": STEP, "then_not": STEP, "within": LENGTH}, optional=_WHEN | _SAME).map(
    lambda said: {"absent": said}
)
OF_TRAITS = _tested(("plan", "age", "tags", "born", "address.city", "address.geo.lat"), TEST, "name")
TRAIT = OF_TRAITS.map(lambda said: {"trait": said})
PROFILE = st.one_of(
    st.builds(
        lambda kind, window: {"profile": {kind: window}}, st.sampled_from(("first_seen", "last_seen")), WINDOW
    ),
    st.builds(
        lambda kind, channels: {"profile": {kind: channels}},
        st.sampled_from(("channel_first", "channel_last")),
        st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=2, unique=True),
    ),
)
ID = st.builds(
    lambda kind, what: {"id": {kind: what}},
    st.sampled_from(("has", "lacks")),
    st.sampled_from(("email", "user", "anonymous", "external:crm", "external:contact_id")),
)
GROUP = st.builds(
    lambda which, where: {"group": {"which": which, "where": where}},
    st.sampled_from(("any", "last")),
    st.lists(_tested(("plan", "age"), TEST, "name"), min_size=1, max_size=2),
)
IN_LIST = st.just({"in_list": "vip"})
LEAVES = {
    "did": DID,
    "did too": DID,
    "did three": DID,
    "moment": MOMENT,
    "sequence": SEQUENCE,
    "sequence too": SEQUENCE,
    "absent": ABSENT,
    "trait": TRAIT,
    "trait too": TRAIT,
    "profile": PROFILE,
    "id": ID,
    "group": GROUP,
    "list": IN_LIST,
}


SHAPES = ("leaf", "leaf", "not", "all", "any")
DEPTH_MAX = 3


@st.composite
def tree(draw: st.DrawFn, uses: tuple[str, ...], depth: int = 1) -> dict[str, Any]:
    """A condition; at each place one of a kind, or several conditions in one."""
    shape = draw(st.sampled_from(SHAPES)) if depth < DEPTH_MAX else "leaf"
    if shape == "not":
        return {"not": draw(tree(uses, depth + 1))}
    if shape != "leaf":
        return {shape: [draw(tree(uses, depth + 1)) for _ in range(draw(st.integers(1, 3)))]}
    if uses and draw(st.integers(0, 9)) == 0:
        return {"in_segment": draw(st.sampled_from(uses))}
    leaf: dict[str, Any] = draw(LEAVES[draw(st.sampled_from(sorted(LEAVES)))])
    return leaf


PEOPLE = st.fixed_dictionaries(
    {},
    optional={
        "known": st.sampled_from((True, False, "any")),
        "bots": st.sampled_from(("exclude", "include", "only")),
    },
)


@st.composite
def segment(draw: st.DrawFn, name: str, uses: tuple[str, ...]) -> dict[str, Any]:
    """A definition that may use these others."""
    document = {"segment": name, "where": draw(tree(uses)), "people": draw(PEOPLE)}
    zone = draw(st.sampled_from(("", *ZONES)))
    return document | ({"timezone": zone} if zone else {})


@st.composite
def segments(draw: st.DrawFn, count: int) -> list[dict[str, Any]]:
    """So many of them; the later ones may use the first two."""
    names = [f"s{number}" for number in range(count)]
    return [draw(segment(name, tuple(names[:2]) if number > 1 else ())) for number, name in enumerate(names)]
