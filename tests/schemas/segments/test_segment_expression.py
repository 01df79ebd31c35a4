"""Conditions as one line: every tree can be written, and is read back as the same tree."""

import re
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.segments.segment_expression import EXPRESSION_CHARS_MAX, parse_expression, reserved
from schemas.segments.segment_expression_text import print_expression
from schemas.segments.segment_reading import read_segment
from schemas.segments.segment_tree import BadSegment
from schemas.segments.segments import Condition, document
from tests.documented import DOCS
from tests.schemas.segment_definitions import CONDITIONS, WHERE


def read(where: Any) -> Condition:
    return read_segment({"segment": "a", "where": where}).where


def as_json(condition: Condition) -> bytes:
    """1, 1.0 and true are equal in Python."""
    return msgspec.json.encode(condition, order="sorted")


EXPRESSIONS = """
did "Order Completed" >= 2 last 90d and plan in ("pro", "team"):
  all: [{did: {event: Order Completed, count: {gte: 2}, window: {last: 90d}}}, {trait: {name: plan, op: in, value: [pro, team]}}]
not did page ("Home", "Cart") days < 3 30d to 90d ago:
  not: {did: {event: [Home, Cart], type: page, days: {lt: 3}, window: {ago: [30d, 90d]}}}
did * sum revenue > 99.5 last 3 full months or did "A" last 1 calendar day:
  any:
    - did: {event: "*", sum: {path: revenue, gt: 99.5}, window: {calendar: {last: 3, unit: month, full: true}}}
    - did: {event: A, window: {calendar: {last: 1, unit: day}}}
plan exists and (n = 1 or n != 2) and (x blank and y blank):
  all:
    - trait: {name: plan, op: exists}
    - any: [{trait: {name: n, op: eq, value: 1}}, {trait: {name: n, op: neq, value: 2}}]
    - all: [{trait: {name: x, op: blank}}, {trait: {name: y, op: blank}}]
a blank or b blank and not c blank:
  any:
    - trait: {name: a, op: blank}
    - all: [{trait: {name: b, op: blank}}, {not: {trait: {name: c, op: blank}}}]
did "A" where (any products (category = "shoes", price between 10 and 20), page.path starts_with "/shop"):
  did:
    event: A
    where:
      - any: {path: products, where: [{path: category, op: eq, value: shoes}, {path: price, op: between, value: [10, 20]}]}
      - {path: page.path, op: starts_with, value: /shop}
sequence ("A" then page "B" then "C") within 36h this week without "D" same cart_id:
  sequence: {steps: [{event: A}, {event: B, type: page}, {event: C}], within: 36h, window: {calendar: {this: week}},
             without: {event: D}, same: cart_id}
absent "A" then "B" within 2h from "2026-01-01" to "2026-02-01":
  absent: {did: {event: A}, then_not: {event: B}, within: 2h, window: {from: "2026-01-01", to: "2026-02-01"}}
`first name` = "Ann" and `last` = "Lee" and birthday anniversary 7d and trial_ends within next 3d:
  all:
    - trait: {name: first name, op: eq, value: Ann}
    - trait: {name: last, op: eq, value: Lee}
    - trait: {name: birthday, op: anniversary, value: 7d}
    - trait: {name: trial_ends, op: within, value: {ahead: 3d}}
all (in segment "b") or any (in list "l"):
  any: [{all: [{in_segment: b}]}, {any: [{in_list: l}]}]
"""


def examples() -> list[tuple[str, Any]]:
    """A line that begins at the margin, without its colon, and the tree below it."""
    parts = re.split(r"(?m)^(\S.*):$", EXPRESSIONS.strip())[1:]
    return [(line, yaml.safe_load(tree)) for line, tree in zip(parts[::2], parts[1::2], strict=True)]


@pytest.mark.parametrize(("line", "where"), examples(), ids=lambda each: str(each)[:50])
def test_a_line_is_read_as_its_tree_and_written_again(line: str, where: Any) -> None:
    assert as_json(parse_expression(line)) == as_json(read(where))
    assert print_expression(read(where)) == line


def test_the_lines_in_the_documentation_are_read_and_written_as_they_stand() -> None:
    page = (DOCS / "segments.md").read_text().partition("## As one line")[2]
    lines = page.partition("```\n")[2].partition("```")[0].splitlines()
    assert len(lines) > 5
    assert [print_expression(parse_expression(line)) for line in lines] == lines


@pytest.mark.parametrize("where", yaml.safe_load(CONDITIONS), ids=lambda each: yaml.safe_dump(each)[:60])
def test_every_form_of_a_condition_can_be_written_as_a_line(where: Any) -> None:
    assert as_json(parse_expression(print_expression(read(where)))) == as_json(read(where))


@given(WHERE)
@settings(max_examples=150, deadline=None)
def test_what_is_written_of_any_tree_is_read_as_that_tree(where: Any) -> None:
    condition = read(where)
    line = print_expression(condition)
    assert as_json(parse_expression(line)) == as_json(condition)
    assert "\n" not in line


WORDS = st.sampled_from([*sorted(reserved()), '"A"', "plan", "3", "90d", "=", "`x y`"])


@given(st.text(max_size=60) | st.lists(WORDS, max_size=14).map(" ".join))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_condition_or_is_refused_in_words(text: str) -> None:
    try:
        found = parse_expression(text)
    except BadSegment as error:
        told = str(error)
    else:
        told = ""
        assert as_json(parse_expression(print_expression(found))) == as_json(found)
    assert not told or told.startswith(("expression", "segment expression"))


@pytest.mark.parametrize("word", sorted(word for word in reserved() if word.isalpha()))
def test_words_of_the_grammar_are_names_in_backquotes(word: str) -> None:
    where = {"trait": {"name": word, "op": "exists"}}
    assert print_expression(read(where)) == f"`{word}` exists"
    assert as_json(parse_expression(f"`{word}` exists")) == as_json(read(where))
    longer = {"trait": {"name": f"{word}_x.{word}", "op": "exists"}}
    assert print_expression(read(longer)) == f"{word}_x.{word} exists"
    assert as_json(parse_expression(print_expression(read(longer)))) == as_json(read(longer))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "character 1, after '': it ends here, expected"),
        ('did "A" and', "character 12, after 'did \"A\" and': it ends here"),
        ('did "A" last 3', "expected calendar, full"),
        ("did A", "character 5, after 'did ': found A, expected"),
        ('plan = "unclosed', 'found "unclosed, expected a number, a text in double quotes, false, true'),
        ('did "\\q"', "a text with a wrong escape"),
        ("plan ! 3", "character 6"),
        ('plan > "3"', "at where.trait.value: expected a number"),
        ('did "A" last 99999w', "at where.did.window.last: 99999w is more than"),
        ('x matches "(?=a)"', "RE2 has no look-around"),
        ("not " * 20 + "x blank", "deeper than 8 levels"),
        ("(" * 50_000, "it ends here"),
        ("not " * 20_000 + "x blank", "nested more than"),
        ("x" * (EXPRESSION_CHARS_MAX + 1), f"at most {EXPRESSION_CHARS_MAX}"),
    ],
    ids=lambda each: str(each)[:40],
)
def test_a_wrong_line_is_refused_with_its_place(line: str, told: str) -> None:
    with pytest.raises(BadSegment) as refused:
        parse_expression(line)
    assert told in str(refused.value)


def test_spaces_and_line_ends_between_words_mean_nothing() -> None:
    assert parse_expression('did"A">=2\n  last\t90d') == parse_expression('did "A" >= 2 last 90d')
    assert document(read_segment({"segment": "a", "where": {"in_list": "l"}}))["where"] == {"in_list": "l"}
