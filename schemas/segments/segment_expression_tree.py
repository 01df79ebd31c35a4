"""What each rule of segments/expression.lark stands for: its part of a definition, as YAML would give it. No check of it."""

from collections.abc import Iterable
from typing import Any

import msgspec
from lark import Token, Transformer, v_args

Tree = dict[str, Any]

OPERATORS = {"=": "eq", "!=": "neq", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}


def _merged(parts: Iterable[Tree]) -> Tree:
    return {name: value for part in parts for name, value in part.items()}


def _calendar(count: int, unit: Token) -> Tree:
    return {"last": count, "unit": str(unit).removesuffix("s")}


def _test(path: str, op: str) -> Tree:
    return {"path": path, "op": op}


def _of_trait(test: Tree) -> Tree:
    return {"name": test["path"], **{name: value for name, value in test.items() if name != "path"}}


def _joined(name: str) -> Any:
    return lambda self, *parts: {name: list(parts)}


def _merging(name: str) -> Any:
    return lambda self, *parts: {name: _merged(parts)}


def _named(name: str) -> Any:
    return lambda self, value: {name: value}


def _inside(*names: str) -> Any:
    """{a: {b: value}}"""
    return lambda self, value: {names[0]: {names[1]: value}}


def _word(self: Any, written: Token) -> str:
    return str(written)


def _seen(name: str) -> Any:
    return lambda self, window: {"profile": {name: window["window"]}}


def _window(name: str) -> Any:
    return lambda self, value: {"window": {name: str(value)}}


@v_args(inline=True)
class ToTree(Transformer[Token, Any]):
    """By the names of the rules."""

    junction = quantifier = value = listed = textual = lonely = _word
    all = _joined("all")
    any = _joined("any")
    negated = _named("not")
    did = _merging("did")
    first = _merging("first")
    last = _merging("last")
    first_seen = _seen("first_seen")
    last_seen = _seen("last_seen")
    channel_first = _inside("profile", "channel_first")
    channel_last = _inside("profile", "channel_last")
    has = _inside("id", "has")
    lacks = _inside("id", "lacks")
    in_segment = _named("in_segment")
    in_list = _named("in_list")
    without = _named("without")
    same = _named("same")
    where = _named("where")
    having = _named("having")
    count = _named("count")
    last_duration = _window("last")
    ahead = _window("ahead")
    since = _window("from")
    until = _window("to")

    def sequence(self, *parts: Tree) -> Tree:
        steps = [part for part in parts if "event" in part]
        return {"sequence": {"steps": steps, **_merged(part for part in parts if "event" not in part)}}

    def absent(self, did: Tree, then_not: Tree, *parts: Tree) -> Tree:
        return {"absent": {"did": did, "then_not": then_not, **_merged(parts)}}

    def trait(self, test: Tree) -> Tree:
        return {"trait": _of_trait(test)}

    def group(self, *tests: Tree) -> Tree:
        return {"group": {"where": [_of_trait(test) for test in tests]}}

    def last_group(self, *tests: Tree) -> Tree:
        return {"group": {"which": "last", "where": [_of_trait(test) for test in tests]}}

    def selection(self, *parts: Tree) -> Tree:
        return _merged(parts)

    def event(self, names: str | list[str]) -> Tree:
        return {"event": names}

    def every_event(self) -> Tree:
        return {"event": "*"}

    def type(self, word: Token) -> Tree:
        return {"type": str(word)}

    def within(self, duration: Token) -> Tree:
        return {"within": str(duration)}

    def filters(self, *parts: Tree) -> list[Tree]:
        return list(parts)

    def tested(self, test: Tree) -> Tree:
        return test

    def joined(self, name: str, filters: list[Tree]) -> Tree:
        return {name: filters}

    def elements(self, name: str, path: str, filters: list[Tree]) -> Tree:
        return {name: {"path": path, "where": filters}}

    def days(self, comparison: Tree) -> Tree:
        return {"days": comparison}

    def measured(self, name: str, path: str, comparison: Tree) -> Tree:
        return {name: {"path": path, **comparison}}

    def comparison(self, symbol: Token, number: float) -> Tree:
        return {OPERATORS[symbol]: number}

    def between(self, low: float, high: float) -> Tree:
        return {"between": [low, high]}

    def compared(self, path: str, symbol: Token, value: Any) -> Tree:
        return {**_test(path, OPERATORS[symbol]), "value": value}

    def in_values(self, path: str, values: list[Any]) -> Tree:
        return {**_test(path, "in"), "value": values}

    def not_in_values(self, path: str, values: list[Any]) -> Tree:
        return {**_test(path, "not_in"), "value": values}

    def with_value(self, path: str, op: str, value: Any) -> Tree:
        return {**_test(path, op), "value": value}

    def alone(self, path: str, op: str) -> Tree:
        return _test(path, op)

    def between_values(self, path: str, low: float, high: float) -> Tree:
        return {**_test(path, "between"), "value": [low, high]}

    def within_window(self, path: str, window: Tree) -> Tree:
        return {**_test(path, "within"), "value": window["window"]}

    def anniversary(self, path: str, duration: Token) -> Tree:
        return {**_test(path, "anniversary"), "value": str(duration)}

    def ago(self, near: Token, far: Token) -> Tree:
        return {"window": {"ago": [str(near), str(far)]}}

    def since_until(self, start: str, end: str) -> Tree:
        return {"window": {"from": start, "to": end}}

    def calendar(self, count: Token, unit: Token) -> Tree:
        return {"window": {"calendar": _calendar(int(count), unit)}}

    def full(self, count: Token, unit: Token) -> Tree:
        return {"window": {"calendar": _calendar(int(count), unit) | {"full": True}}}

    def this(self, unit: Token) -> Tree:
        return {"window": {"calendar": {"this": str(unit).removesuffix("s")}}}

    def path(self, written: Token) -> str:
        if written.type == "PATH":
            return str(written)
        return msgspec.json.decode(f'"{written[1:-1]}"', type=str)

    def texts(self, *values: str) -> list[str]:
        return list(values)

    def scalars(self, *values: Any) -> list[Any]:
        return list(values)

    def truth(self, written: Token) -> bool:
        return str(written) == "true"

    def text(self, written: Token) -> str:
        return msgspec.json.decode(str(written), type=str)

    def number(self, written: Token) -> Any:
        return msgspec.json.decode(str(written))
