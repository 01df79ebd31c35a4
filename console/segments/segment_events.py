"""Leaves about events as SQL: each a verdict over a profile's rows of `events`, 0 where there are none.

All leaves of a query are worked out in one pass, grouped by profile, so a leaf is one aggregate expression (`Column.sql`)
and says which rows it reads (`Column.reads`). A leaf that nothing passes (count at most 5) is kept the other way round
(`is_turned`), so that profiles without rows need none. Order of events: time, then message id. Chains of events are in
segment_chains.py.
"""

from collections.abc import Sequence

import msgspec

from schemas.segments.segment_filters import ANY_EVENT, Rows
from schemas.segments.segment_paths import Value, json_of, place_of, value_at
from schemas.segments.segment_sql import MOMENT, MONEY, decimal_text
from schemas.segments.segment_windows import Bounds, bounds, moment_text
from schemas.segments.segments import (
    Comparison,
    Condition,
    Did,
    Measured,
    Moment,
    ProfileIs,
    Selection,
    Window,
)

INVERSE = {"eq": "!=", "gte": "<", "lte": ">", "gt": "<=", "lt": ">=", "between": "NOT BETWEEN"}
SIGNS = {"eq": "=", "gte": ">=", "lte": "<=", "gt": ">", "lt": "<", "between": "BETWEEN"}
BOTS = {"exclude": ["NOT device.is_bot"], "only": ["device.is_bot"], "include": []}
NUMBER = "number"  # of what is compared, beside MONEY
AT_LEAST_ONCE = Comparison(gte=1)
NAME = "@"  # in `Column.sql`: the column's own name, which is chosen later


class Read(msgspec.Struct, frozen=True):
    """Rows of `events`: of these names (None: of any; "": of pages and screens), in these bounds."""

    names: tuple[str, ...] | None
    since: int | None = None
    until: int | None = None


class Column(msgspec.Struct, frozen=True):
    """`rows` is SQL of the rows that count, `value` of what was measured: for explanations."""

    hint: str
    sql: str
    reads: tuple[Read, ...]
    bots: str
    is_turned: bool = False
    rows: str = ""
    value: str = ""


class LeafRows(Rows):
    """The rows that one leaf asks about."""

    def __init__(self, rows: Rows, bots: str, *, are_mixed: bool) -> None:
        super().__init__(rows.at_ms, rows.zone, rows.parameters)
        self.bots = bots
        self.by_row = BOTS[bots] if are_mixed else []  # else the query leaves them out once, for all leaves

    def conditions(self, selected: Selection, window: Window | None = None) -> str:
        """All that a matching row passes, in one expression."""
        return " AND ".join([*self.selection(selected), *self.by_row, *self.within(window)])

    def within(self, window: Window | None, moment: str = "timestamp") -> list[str]:
        """Tests of a moment; T itself is tested where rows are read."""
        found = bounds(window, self.at_ms, self.zone)
        since, until = hints(window)
        tests = []
        if found.since is not None:
            tests.append(f"{moment} >= {self.moment(since, found.since)}")
        if found.until is not None:
            tests.append(f"{moment} < {self.moment(until, found.until)}")
        return tests

    def moment(self, hint: str, ms: int) -> str:
        return self.parameters.place(hint, MOMENT, moment_text(ms))

    def read(self, selected: Selection, window: Window | None = None) -> Read:
        found = bounds(window, self.at_ms, self.zone)
        return Read(names_of(selected), found.since, found.until)


def did(found: Did, leaf: LeafRows) -> Column:
    rows = leaf.conditions(found, found.window)
    reads = (leaf.read(found, found.window),)
    for name in ("avg", "min", "max"):
        if (measured := getattr(found, name)) is not None:
            sql, value = _of_values(name, found, measured, rows, leaf), _shown(name, found, measured, rows)
            return Column(hint(found), sql, reads, leaf.bots, rows=rows, value=value)
    compared, (measured_sql, kind) = _measure(found, rows, leaf)
    is_turned = passes(0, compared)
    sql = comparison(measured_sql, kind, compared, leaf, is_turned)
    return Column(hint(found), sql, reads, leaf.bots, is_turned, rows, measured_sql)


def moment(found: Moment, leaf: LeafRows, *, is_first: bool) -> Column:
    """The verdict of the first or last row: least or greatest (time, message id) of all matching ones before T."""
    tests = [*leaf.within(found.window), *leaf.filters(found.having, found)]
    rows = leaf.conditions(found)
    if tests:
        function = "argMinIf" if is_first else "argMaxIf"
        sql = f"{function}({' AND '.join(tests)}, (timestamp, message_id), {rows})"
    else:
        sql = f"countIf({rows}) > 0"
    end = f"{'min' if is_first else 'max'}If(timestamp, {rows})"
    return Column(
        hint=("first_" if is_first else "last_") + hint(found),
        sql=sql,
        reads=(leaf.read(found),),
        bots=leaf.bots,
        rows=rows,
        value=f"if(countIf({rows}) = 0, '', toString({end}))",
    )


def channel(found: ProfileIs, leaf: LeafRows) -> Column:
    """The verdict of the first or last event that began a visit: by which channel it came."""
    wanted = found.channel_first or found.channel_last or []
    function = "argMinIf" if found.channel_first else "argMaxIf"
    name = "first_channel" if found.channel_first else "last_channel"
    listed = leaf.parameters.place(name, "Array(String)", sorted(set(wanted)))
    rows = " AND ".join(["touch.channel != ''", *leaf.by_row])
    sql = f"{function}(touch.channel IN {listed}, (timestamp, message_id), {rows})"
    value = f"{function}(touch.channel, (timestamp, message_id), {rows})"
    return Column(name, sql, (Read(None),), leaf.bots, rows=rows, value=value)


def needs_rows(found: Condition) -> bool:
    """Whether nobody without a matching event passes."""
    if found.did is not None:
        measures_0 = found.did.count or found.did.days or found.did.distinct or found.did.sum
        is_of_values = found.did.avg or found.did.min or found.did.max
        return bool(is_of_values) or not passes(0, measures_0 or AT_LEAST_ONCE)
    return any(each is not None for each in (found.first, found.last, found.sequence, found.absent))


def comparison(  # noqa: PLR0913
    measured: str, kind: str, compared: Comparison, leaf: Rows, is_turned: bool = False, times: str = ""
) -> str:
    """`kind` is the type of what it is compared with; `times`: SQL by which bounds are multiplied."""
    name, bound = stated(compared)
    sign = (INVERSE if is_turned else SIGNS)[name]
    values = bound if isinstance(bound, tuple | list) else (bound,)
    given = [
        leaf.parameters.place(
            _bound_hint(name), *((MONEY, decimal_text(value)) if kind == MONEY else as_number(value))
        )
        for value in values
    ]
    given = [f"{each} * {times}" if times else each for each in given]
    return f"{measured} {sign} {' AND '.join(given)}"


def as_number(value: float) -> tuple[str, float]:
    """With its type: whole numbers as such."""
    return ("Int64", int(value)) if float(value).is_integer() else ("Float64", float(value))


def stated(compared: Comparison) -> tuple[str, float | tuple[float, float]]:
    """Which comparison, and its bound."""
    return next((name, bound) for name in SIGNS if (bound := getattr(compared, name)) is not None)


def passes(measured: float, compared: Comparison) -> bool:
    name, bound = stated(compared)
    if isinstance(bound, tuple | list):
        return bound[0] <= measured <= bound[1]
    return {
        "eq": measured == bound,
        "gte": measured >= bound,
        "lte": measured <= bound,
        "gt": measured > bound,
        "lt": measured < bound,
    }[name]


def hint(selected: Selection) -> str:
    if isinstance(selected.event, str):
        return "anything" if selected.event == ANY_EVENT else selected.event
    return f"{sorted(selected.event)[0]} or others"


def names_of(selected: Selection) -> tuple[str, ...] | None:
    """Their names in the column `event`, by which the table is sorted."""
    if selected.type in ("page", "screen"):
        return ("",)
    if selected.event == ANY_EVENT:
        return None
    return (selected.event,) if isinstance(selected.event, str) else tuple(sorted(set(selected.event)))


def hints(window: Window | None) -> tuple[str, str]:
    """What a window's ends are called."""
    if window is not None and window.last is not None:
        return f"ago_{window.last}", "at"
    if window is not None and window.ago is not None:
        return f"ago_{window.ago[1]}", f"ago_{window.ago[0]}"
    if window is not None and window.calendar is not None:
        unit = window.calendar.this or f"{window.calendar.last}_{window.calendar.unit}s_before"
        return f"start_of_{unit}", f"start_of_{window.calendar.unit}"
    return "since", "until"


def texts_at(path: str, selected: Selection) -> str:
    """The distinct, non-empty texts that an event has at a path, as an array."""
    value = value_at(path, place_of(selected.event))
    listed = f"[{value.sql}]" if value.form == "text" else f"texts_of({json_of(value)})"
    return f"arrayFilter(text -> text != '', {listed})"


def decimals_at(path: str, selected: Selection) -> str:
    """The numbers that an event has at a path, amounts in the base currency, as an array without NULL."""
    value = value_at(path, place_of(selected.event))
    if value.form == "number":
        return _there(f"[{_converted(value)}]")
    if value.form == "numbers" and value.currency:
        currency = "if(currency = '', commerce.currency, currency)"
        prices = f"(price, currency) -> in_base(price, {currency}, timestamp)"
        return _there(f"arrayMap({prices}, {value.sql}, {value.currency})")
    if value.form == "numbers":
        return _there(value.sql)
    return f"decimals_of({json_of(value)})"


def _converted(value: Value) -> str:
    return f"in_base({value.sql}, {value.currency}, timestamp)" if value.currency else value.sql


def _there(array: str) -> str:
    return f"arrayMap(each -> assumeNotNull(each), arrayFilter(each -> isNotNull(each), {array}))"


def _of_values(name: str, found: Did, compared: Measured, rows: str, leaf: LeafRows) -> str:
    """Of nothing: false. A mean is compared without dividing, which would round."""
    values = decimals_at(compared.path, found)
    if name == "avg":
        counted = f"sumIf(length({values}), {rows})"
        return f"{counted} > 0 AND {comparison(f'sumArrayIf({values}, {rows})', MONEY, compared, leaf, times=counted)}"
    extreme = f"{name}ArrayIf({values}, {rows})"
    return f"countIf({rows} AND notEmpty({values})) > 0 AND {comparison(extreme, MONEY, compared, leaf)}"


def _shown(name: str, found: Did, measured: Measured, rows: str) -> str:
    values = f"arrayFlatten(groupArrayIf({decimals_at(measured.path, found)}, {rows}))"
    return f"if(empty({values}), '', toString(array{name.title()}({values})))"


def _measure(found: Did, rows: str, leaf: LeafRows) -> tuple[Comparison, tuple[str, str]]:
    """What is 0 of nothing: how it is compared, its SQL, and the type of what it is compared with."""
    if found.days is not None:
        zone = leaf.parameters.place("zone", "String", leaf.zone)
        return found.days, (f"uniqExactIf(toDate32(timestamp, {zone}), {rows})", NUMBER)
    if found.distinct is not None:
        texts = texts_at(found.distinct.path, found)
        return found.distinct, (f"uniqExactArrayIf({texts}, {rows})", NUMBER)
    if found.sum is not None:
        return found.sum, (_sum(found, found.sum, rows), MONEY)
    return found.count or AT_LEAST_ONCE, (f"countIf({rows})", NUMBER)


def _sum(found: Did, compared: Measured, rows: str) -> str:
    value = value_at(compared.path, place_of(found.event))
    if value.form == "number":
        return f"ifNull(sumIf({_converted(value)}, {rows}), 0)"
    return f"sumArrayIf({decimals_at(compared.path, found)}, {rows})"


def _bound_hint(name: str) -> str:
    return {"eq": "exactly", "gte": "at_least", "lte": "at_most", "gt": "more_than", "lt": "less_than"}.get(
        name, "between"
    )


def hull(reads: Sequence[Read]) -> dict[str | None, Bounds]:
    """By name (None: any) the bounds in which all that is asked of it lies."""
    found: dict[str | None, Bounds] = {}
    for read in reads:
        for name in read.names if read.names is not None else (None,):
            old = found.get(name)
            found[name] = Bounds(read.since, read.until) if old is None else _wider(old, read)
    return found


def _wider(one: Bounds, other: Read) -> Bounds:
    since = None if one.since is None or other.since is None else min(one.since, other.since)
    until = None if one.until is None or other.until is None else max(one.until, other.until)
    return Bounds(since, until)
