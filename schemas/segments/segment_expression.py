"""A segment's condition as one line of text, read: `did "Order Completed" >= 2 last 90d and plan in ("pro", "team")`.

The grammar is segments/expression.lark. What comes out has passed every check of a definition, so a line can say all that a
tree can and nothing else; segment_expression_text.py writes the line of any tree, and reading that gives the same tree.
"""

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from lark import Lark, UnexpectedInput, UnexpectedToken
from lark.lexer import PatternStr

from schemas.segments.segment_expression_tree import ToTree
from schemas.segments.segment_reading import read_segment
from schemas.segments.segment_tree import BadSegment
from schemas.segments.segments import Condition

EXPRESSION_CHARS_MAX = 100_000
EXPECTED_TOLD_MAX = 12
SHOWN_CHARS_MAX = 30  # of the text, before and after a mistake

_IN_WORDS = {
    "TEXT": "a text in double quotes",
    "NUMBER": "a number",
    "COUNT": "a number",
    "DURATION": "a duration such as 90d",
    "PATH": "a name",
    "QUOTED": "a name",
    "SYMBOL": "= != > >= < <=",
    "UNIT": "day, week or month",
    "$END": "the end",
}


def parse_expression(text: str) -> Condition:
    """Raises BadSegment."""
    if len(text) > EXPRESSION_CHARS_MAX:
        raise BadSegment(
            f"an expression of {len(text)} characters, at most {EXPRESSION_CHARS_MAX}: write a file"
        )
    try:
        where: Any = _parser().parse(text)
    except UnexpectedInput as error:
        raise BadSegment(_in_words(error, text)) from error
    except msgspec.DecodeError as error:
        raise BadSegment(f"expression: a text with a wrong escape: {error}") from error
    return read_segment({"segment": "expression", "where": where}).where


@cache
def reserved() -> frozenset[str]:
    """Words that are a name only in backquotes."""
    patterns = [terminal.pattern for terminal in _parser().terminals]
    return frozenset(pattern.value for pattern in patterns if isinstance(pattern, PatternStr))


@cache
def _parser() -> Lark:
    grammar = (files("schemas") / "segments" / "expression.lark").read_text()
    return Lark(grammar, parser="lalr", transformer=ToTree())


def _in_words(error: UnexpectedInput, text: str) -> str:
    if isinstance(error, UnexpectedToken):
        at = len(text.rstrip()) if error.token.type == "$END" else error.token.start_pos or 0
        names = error.expected
    else:
        at, names = error.pos_in_stream or 0, getattr(error, "allowed", None) or set()
    words = sorted({_IN_WORDS.get(name) or _pattern(name) for name in names})
    told = ", ".join(words[:EXPECTED_TOLD_MAX]) + (", .." if len(words) > EXPECTED_TOLD_MAX else "")
    found = f"found {text[at : at + SHOWN_CHARS_MAX]}" if at < len(text.rstrip()) else "it ends here"
    before = text[max(at - SHOWN_CHARS_MAX, 0) : at]
    return f"expression, character {at + 1}, after {before!r}: {found}, expected {told or 'something else'}"


def _pattern(name: str) -> str:
    return next((each.pattern.value for each in _parser().terminals if each.name == name), name)
