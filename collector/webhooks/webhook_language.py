"""The expressions of a webhook's mapping: JMESPath, a few functions more, and an end to what one payload may cost. Pure.

JMESPath has no loops, no recursion and no I/O, but it can make lists of lists of lists: `[@,@]|[@,@]|...` doubles with
every step. So an evaluation has a budget of steps: each visit of a node costs one, and whatever is looked through or made costs
by its size, counted as it would be written out. Why this language: docs/decisions.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from jmespath.exceptions import EmptyExpressionError, JMESPathError
from jmespath.functions import Functions, signature
from jmespath.parser import Parser
from jmespath.visitor import Options, TreeInterpreter

from collector.webhooks.webhook_budget import Budget, Failed
from schemas.identity.identifiers import text
from schemas.values.currencies import DIGITS_USUAL, MINOR_DIGITS

EXPRESSION_CHARS_MAX = 2_000
SECONDS_MAX = 100_000_000_000  # a smaller number counts seconds, a larger one milliseconds
EXPONENT_MAX = 300  # a double holds no larger number
MILLISECONDS_MAX = 7_258_118_400_000  # 2200-01-01: no later time is one (processors/events/times.py)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NULLABLE_TEXT: Any = {"types": ["string", "number", "boolean", "null"]}
_NUMBER: Any = {"types": ["number", "string", "null"]}


class BadExpression(ValueError):
    """It cannot be understood; the text says why, and is meant for whoever wrote it."""


class Expression:
    """One that was read. `search` may be called for any number of payloads."""

    def __init__(self, written: str) -> None:
        """Raises BadExpression."""
        self.written = written
        self._tree = _parsed(written)

    def search(self, scope: Mapping[str, Any], budget: Budget) -> Any:
        """The value, null where nothing is there. Raises Failed."""
        try:
            return _Interpreter(budget).visit(self._tree, scope)
        except Failed:
            raise
        except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
            # The error's own text may quote the value.
            raise Failed(f"{type(error).__name__}: a value is not what the expression expects") from None

    def roots(self) -> set[str]:
        """The names that it begins with: what it reads of the scope."""
        return set(_roots(self._tree))


class _Functions(Functions):
    """Whatever is given null gives null, so that a field that is missing is left out and fails nothing."""

    @signature(_NULLABLE_TEXT)
    def _func_lower(self, value: Any) -> str | None:
        return None if value is None else _plain(value).lower()

    @signature(_NULLABLE_TEXT)
    def _func_upper(self, value: Any) -> str | None:
        return None if value is None else _plain(value).upper()

    @signature(_NULLABLE_TEXT)
    def _func_trim(self, value: Any) -> str | None:
        return None if value is None else _plain(value).strip()

    @signature({"types": ["string", "number", "boolean", "null"], "variadic": True})
    def _func_concat(self, *parts: Any) -> str | None:
        """Nothing when one of them is missing: half an identifier would be somebody else's."""
        return None if None in parts else "".join(_plain(part) for part in parts)

    @signature(_NULLABLE_TEXT, {"types": ["string"]})
    def _func_split(self, value: Any, separator: str) -> list[str] | None:
        return None if value is None or not separator else _plain(value).split(separator)

    @signature(_NULLABLE_TEXT)
    def _func_sha256(self, value: Any) -> str | None:
        return None if value is None else hashlib.sha256(_plain(value).encode()).hexdigest()

    @signature(_NUMBER)
    def _func_time(self, value: Any) -> str | None:
        """Seconds or milliseconds since the epoch as a time; a text that is no number stays."""
        number = _number(value)
        if number is None:
            return value if isinstance(value, str) and value else None
        if abs(number) > MILLISECONDS_MAX:
            return None
        ms = number * 1000 if abs(number) < SECONDS_MAX else number
        moment = _EPOCH + timedelta(milliseconds=int(ms))
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @signature(_NUMBER, {"types": ["string", "null"]})
    def _func_money(self, amount: Any, currency: Any) -> float | None:
        """An amount in a currency's smallest unit as one in its unit: 1999 EUR are 19.99, 1999 JPY are 1999."""
        number = _number(amount)
        if number is None:
            return None
        digits = MINOR_DIGITS.get(text(currency).upper(), DIGITS_USUAL)
        return _float(number.scaleb(-digits))

    @signature(_NUMBER, _NUMBER)
    def _func_add(self, left: Any, right: Any) -> float | None:
        numbers = _both(left, right)
        return None if numbers is None else _float(numbers[0] + numbers[1])

    @signature(_NUMBER, _NUMBER)
    def _func_subtract(self, left: Any, right: Any) -> float | None:
        numbers = _both(left, right)
        return None if numbers is None else _float(numbers[0] - numbers[1])

    @signature(_NUMBER, _NUMBER)
    def _func_multiply(self, left: Any, right: Any) -> float | None:
        numbers = _both(left, right)
        return None if numbers is None else _float(numbers[0] * numbers[1])

    @signature(_NUMBER, _NUMBER)
    def _func_divide(self, left: Any, right: Any) -> float | None:
        numbers = _both(left, right)
        return None if numbers is None or not numbers[1] else _float(numbers[0] / numbers[1])

    @signature({"types": ["array", "null"]}, {"types": ["string"]}, {"types": ["string"]})
    def _func_to_object(self, pairs: Any, key: str, value: str) -> dict[str, Any] | None:
        """`[{name: a, value: 1}, ...]` as `{a: 1, ...}`."""
        if pairs is None:
            return None
        named = [pair for pair in pairs if isinstance(pair, dict) and isinstance(pair.get(key), str | int)]
        return {_plain(pair[key]): pair.get(value) for pair in named}


class _Interpreter(TreeInterpreter):
    """Made anew for each evaluation: it holds the budget."""

    _MAKES = frozenset({"multi_select_list", "multi_select_dict", "function_expression", "flatten"})

    def __init__(self, budget: Budget) -> None:
        super().__init__(Options(custom_functions=_FUNCTIONS))
        self._budget = budget

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._budget.spend(1)
        found = super().visit(node, *args, **kwargs)
        if node["type"] in self._MAKES:
            self._budget.spend_on(found)
        return found

    def visit_function_expression(self, node: Any, value: Any) -> Any:
        # Looked through before the function is called: it may write them out.
        arguments = [self.visit(child, value) for child in node["children"]]
        for argument in arguments:
            self._budget.spend_on(argument)
        return _FUNCTIONS.call_function(node["value"], arguments)

    def visit_comparator(self, node: Any, value: Any) -> Any:
        sides = [self.visit(child, value) for child in node["children"]]
        for side in sides:
            self._budget.spend_on(side)
        compared: Any = {
            **node,
            "children": [{"type": "literal", "value": side, "children": []} for side in sides],
        }
        return super().visit_comparator(compared, value)


_FUNCTIONS = _Functions()


def _parsed(written: str) -> Any:
    if len(written) > EXPRESSION_CHARS_MAX:
        raise BadExpression(f"an expression has at most {EXPRESSION_CHARS_MAX} characters")
    try:
        tree = Parser().parse(written).parsed
    except EmptyExpressionError:
        raise BadExpression("the expression is empty") from None
    except (JMESPathError, ValueError) as error:
        raise BadExpression(
            str(error).partition("\n")[0].removesuffix(" for expression:").rstrip(",:")
        ) from None
    except RecursionError:
        raise BadExpression("the expression is nested too deeply") from None
    for node in _nodes(tree):
        if node["type"] == "function_expression":
            _check_call(node)
    return tree


def _check_call(node: Any) -> None:
    """The language itself would find out when the first payload comes."""
    known = _Functions.FUNCTION_TABLE
    name, given = node["value"], len(node["children"])
    if name not in known:
        raise BadExpression(f"there is no function {name}(): there are {', '.join(sorted(known))}")
    wanted = known[name]["signature"]
    is_variadic = bool(wanted and wanted[-1].get("variadic"))
    if given < len(wanted) or (given > len(wanted) and not is_variadic):
        raise BadExpression(f"{name}() takes {len(wanted)}{' or more' if is_variadic else ''}, not {given}")


def _nodes(tree: Any) -> Iterator[Any]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node["children"]


_FIRST = frozenset(
    {
        "subexpression",
        "index_expression",
        "pipe",
        "projection",
        "value_projection",
        "filter_projection",
        "flatten",
    }
)
_ALL = frozenset(
    {"comparator", "or_expression", "and_expression", "not_expression", "function_expression", "multi_select_list",
     "multi_select_dict", "key_val_pair"}
)  # fmt: skip


def _roots(node: Any) -> Iterator[str]:
    kind, children = node["type"], node["children"]
    if kind == "field":
        yield node["value"]
    elif kind in _FIRST:
        yield from _roots(children[0])
    elif kind in _ALL:
        for child in children:
            yield from _roots(child)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else text(value)


def _number(value: Any) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value).strip())
    except (InvalidOperation, ValueError):  # the latter of a number with thousands of digits
        return None
    return number if number.is_finite() and number.adjusted() < EXPONENT_MAX else None


def _both(left: Any, right: Any) -> tuple[Decimal, Decimal] | None:
    numbers = _number(left), _number(right)
    return None if numbers[0] is None or numbers[1] is None else (numbers[0], numbers[1])


def _float(number: Decimal) -> float | None:
    found = float(number)
    if not math.isfinite(found):
        return None
    return int(found) if found.is_integer() else found
