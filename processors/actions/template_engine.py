"""The engine of templates: Liquid without files and within limits, in the dialects that places of an action need.

- `TEXT`: what is unknown is empty.
- `HTML`: values are escaped.
- `ADDRESS`: of an e-mail. What is written there must have a value, and no value holds a character that would add another one.
- `PATH`: as before, and values are percent-encoded, slashes too, so that they stay within their segment.

A template that is one `{{ expression }}` can also be asked for its value, with its type. Pure: templates see what they are
given and no clock, whatever they are named `now`, `today` and `date` included (template_filters.py).
"""

import re
from collections.abc import Mapping
from typing import Any, Final, TextIO
from urllib.parse import quote

from liquid import Environment, RenderContext, Undefined
from liquid.builtin.output import Output, OutputNode
from liquid.exceptions import LiquidError, LiquidInterrupt
from liquid.output import LimitedStringIO
from liquid.stringify import to_liquid_string
from liquid.template import BoundTemplate

from processors.actions.template_filters import (
    ITEMS_MAX,
    TEXT_CHARS_MAX,
    CountingContext,
    TooMuchWork,
    json,
    register,
)

LOOP_ITERATIONS_MAX = 1_000  # of loops in each other, together
LOOPS_MAX = 20  # in one template
NESTING_MAX = 10  # blocks in each other
OUTPUT_BYTES_MAX = 200_000  # of one template
NAMES_BYTES_MAX = 100_000  # what `assign` and `capture` keep
TEMPLATE_CHARS_MAX = 100_000

# Nothing that reads a file, and nothing that writes a value by itself: values pass the dialect's own output.
TAGS = ("if", "unless", "case", "for", "break", "continue", "assign", "capture", "comment", "#")
_PARTS = ("content", "output", "illegal")  # of any template, not written by name

_MARKUP = re.compile(r"\{\{|\{%")
_LOOP = re.compile(r"\{%-?\s*for\b")
_FORBIDDEN_IN_ADDRESS = re.compile(r'[,;<>"()\[\]\\\s\x00-\x1f\x7f]')

Scope = Mapping[str, Any]
# Whatever a template does with values that it did not expect.
_FAULTS = (
    LiquidError,
    LiquidInterrupt,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    RecursionError,
)


class TemplateFailed(ValueError):
    """In words, without any value of the event's."""


class NoValue(TemplateFailed):
    """An address needs a value that is not there."""


class _TextNode(OutputNode):
    """Lists are written item by item, so that the limit of the output ends a long one; objects as JSON."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        items = value if isinstance(value, list | tuple) else (value,)
        return sum(buffer.write(to_liquid_string(_shown(each), context.autoescape)) for each in items)


class _AddressNode(OutputNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        text = _required(self.expression.evaluate(context))
        if _FORBIDDEN_IN_ADDRESS.search(text):
            raise NoValue("a value has characters that no address has")
        return buffer.write(text)


class _PathNode(OutputNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(quote(_required(self.expression.evaluate(context)), safe=""))


def _shown(value: object) -> object:
    return json(value) if isinstance(value, dict | list) else value


def _required(value: object) -> str:
    text = to_liquid_string(_shown(value), autoescape=False)
    if not text.strip():
        raise NoValue("a value is missing or empty")
    return text


class _TextOutput(Output):
    node_class = _TextNode


class _AddressOutput(Output):
    node_class = _AddressNode


class _PathOutput(Output):
    node_class = _PathNode


class _Engine(Environment):
    block_nesting_limit = NESTING_MAX
    loop_iteration_limit = LOOP_ITERATIONS_MAX
    local_namespace_limit = NAMES_BYTES_MAX
    output_stream_limit = OUTPUT_BYTES_MAX

    def __init__(self, output: type[Output], *, autoescape: bool = False) -> None:
        super().__init__(autoescape=autoescape)
        self.tags = {name: self.tags[name] for name in (*TAGS, *_PARTS)}
        self.add_tag(output)
        register(self)


TEXT: Final = _Engine(_TextOutput)
HTML: Final = _Engine(_TextOutput, autoescape=True)
ADDRESS: Final = _Engine(_AddressOutput)
PATH: Final = _Engine(_PathOutput)


class Template:
    """One text, compiled. `place`: where it stands, which is said of whatever is wrong. Raises ValueError when it is none of the
    language's."""

    def __init__(self, source: str, engine: Environment = TEXT, place: str = "") -> None:
        self._place = f"{place}: " if place else ""
        self._literal = None if _MARKUP.search(source) else source
        self._engine = engine
        if self._literal is not None:
            return
        if len(source) > TEMPLATE_CHARS_MAX or len(_LOOP.findall(source)) > LOOPS_MAX:
            limits = f"more than {TEMPLATE_CHARS_MAX} characters, or more than {LOOPS_MAX} loops"
            raise ValueError(f"{self._place}{limits}")
        try:
            self._bound = engine.from_string(source)
            _require_known_filters(self._bound)
        except _FAULTS as error:
            raise ValueError(f"{self._place}{_said(error)}") from error
        nodes = self._bound.nodes
        is_one = len(nodes) == 1 and isinstance(nodes[0], OutputNode)
        self._expression = nodes[0].expression if is_one and isinstance(nodes[0], OutputNode) else None

    @property
    def is_literal(self) -> bool:
        return self._literal is not None

    def text(self, scope: Scope) -> str:
        """Raises TemplateFailed."""
        if self._literal is not None:
            return self._literal
        buffer = LimitedStringIO(OUTPUT_BYTES_MAX)
        try:
            self._bound.render_with_context(CountingContext(self._bound, scope), buffer)
        except _FAULTS as error:
            raise self._failed(error) from error
        return buffer.getvalue()

    def value(self, scope: Scope) -> Any:
        """Of one expression what it is, for JSON; of any other template its text. Raises TemplateFailed."""
        if self._literal is not None or self._expression is None:
            return self.text(scope)
        try:
            return _plain(self._expression.evaluate(CountingContext(self._bound, scope)))
        except _FAULTS as error:
            raise self._failed(error) from error

    def _failed(self, error: BaseException) -> TemplateFailed:
        kind = NoValue if isinstance(error, NoValue) else TemplateFailed
        return kind(f"{self._place}{_said(error)}")


def _plain(value: object) -> object:
    """As JSON has it. What is unknown is null."""
    if value is None or isinstance(value, bool | float | dict):
        return value
    if isinstance(value, str):
        return str(value)[:TEXT_CHARS_MAX]
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else float(value)
    if isinstance(value, list | tuple | range):
        return [_plain(each) for each in value[:ITEMS_MAX]]
    return None if isinstance(value, Undefined) else to_liquid_string(value, autoescape=False)


def _require_known_filters(bound: BoundTemplate) -> None:
    """The engine itself looks when it renders, which is late."""
    unknown = set(bound.analyze().filters) - set(bound.env.filters)
    if unknown:
        raise ValueError(f"unknown filter {', '.join(sorted(unknown))}")


def _said(error: BaseException) -> str:
    """Without its values: the engine's messages name what the template says, Python's may quote what it was given."""
    if isinstance(error, LiquidError):
        return f"{type(error).__name__.removesuffix('Error')}: {error.message}"
    if isinstance(error, TooMuchWork | TemplateFailed):
        return str(error)
    return (
        str(error)
        if isinstance(error, ValueError) and error.args[:1] and "filter" in str(error)
        else type(error).__name__
    )
