"""Definitions of segments as people write them, read and checked as a whole: no `Segment` is made of one with a mistake.

First the shape, by segments/definition.schema.json; then what a schema cannot say (segment_checks.py). A refusal says what is
wrong, where in the tree, and how to mend it; all that is wrong is told at once, up to a limit.

Deliberately absent: other segments. Whether those that a definition uses are there is segment_tree.py's to say.
"""

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from schemas.definitions.definition_shape import Shape, in_words
from schemas.definitions.problems import plain
from schemas.segments.segment_checks import problems_in
from schemas.segments.segment_tree import BadSegment
from schemas.segments.segments import Segment, Window


def read_segment(document: Any) -> Segment:
    """Of a mapping, as YAML or JSON gives it. Raises BadSegment."""
    read, problems = plain(document)
    if not problems:
        problems = list(_shape().problems(read)) or list(problems_in(read))
    if problems:
        raise BadSegment(in_words("segment", document, problems))
    return msgspec.convert(_one_form(read), Segment)


def _one_form(value: Any) -> Any:
    """A window that is an operator's value is written as any other window is: what is at its default left out."""
    if isinstance(value, list):
        return [_one_form(each) for each in value]
    if not isinstance(value, dict):
        return value
    same = {name: _one_form(each) for name, each in value.items()}
    if same.get("op") == "within":
        same["value"] = msgspec.to_builtins(msgspec.convert(same["value"], Window))
    return same


def definition_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a definition, for editors and other programs."""
    found: dict[str, Any] = msgspec.json.decode(
        (files("schemas") / "segments" / "definition.schema.json").read_bytes()
    )
    return found


@cache
def _shape() -> Shape:
    return Shape(definition_schema())
