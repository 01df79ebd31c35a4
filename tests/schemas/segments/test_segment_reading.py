"""Definitions of segments: what is taken, what is refused, and in which words."""

import re
from typing import Any

import msgspec
import pytest
import yaml
from jsonschema_rs import validator_for

from deploy.people.lists import LIST_ENTRIES_MAX
from schemas.segments.segment_checks import DURATION_DAYS_MAX, FILTER_DEPTH_MAX, FILTERS_MAX
from schemas.segments.segment_reading import definition_schema, read_segment
from schemas.segments.segment_records import SEGMENT_BYTES_MAX
from schemas.segments.segment_tree import DEPTH_MAX, LEAVES_MAX, STEPS_MAX, BadSegment
from schemas.segments.segments import Segment, document
from tests.documented import DOCS, yaml_of_the_documentation
from tests.schemas.segment_definitions import CONDITIONS


def of(where: Any, **more: Any) -> dict[str, Any]:
    return {"segment": "a", "where": where, **more}


def refusal(written: Any) -> str:
    with pytest.raises(BadSegment) as refused:
        read_segment(written)
    return str(refused.value)


def first_of_the_documentation() -> Any:
    return yaml.safe_load(yaml_of_the_documentation("segments.md")[0])["segments"][0]


def test_a_definition_is_read() -> None:
    segment = read_segment(first_of_the_documentation())
    assert (segment.segment, segment.workspace, segment.timezone) == (
        "lapsed-buyers",
        "main",
        "Europe/Berlin",
    )
    assert segment.where.all
    assert segment.where.all[0].did
    assert segment.where.all[0].did.where[0].any
    assert segment.where.all[0].did.where[0].any.where[0].value == "shoes"


@pytest.mark.parametrize("condition", yaml.safe_load(CONDITIONS), ids=lambda each: yaml.safe_dump(each)[:60])
def test_every_form_of_a_condition_is_read_and_written_back(condition: Any) -> None:
    segment = read_segment(of(condition))
    again = msgspec.json.decode(msgspec.json.encode(document(segment)))
    assert read_segment(again) == segment
    assert msgspec.json.decode(msgspec.json.encode(segment), type=Segment) == segment


def test_dates_that_yaml_makes_of_text_are_text_again() -> None:
    found = read_segment(yaml.safe_load("{segment: a, where: {did: {event: A, window: {from: 2026-01-01}}}}"))
    assert found.where.did
    assert found.where.did.window
    assert found.where.did.window.from_ == "2026-01-01"


def test_a_window_of_dates_has_one_form() -> None:
    def asked(window: Any) -> Segment:
        return read_segment(of({"trait": {"name": "n", "op": "within", "value": window}}))

    plain = asked({"calendar": {"last": 1, "unit": "day"}})
    assert asked({"calendar": {"last": 1, "unit": "day", "full": False}}) == plain


def test_the_schema_is_one_of_2020_12_and_closed_throughout() -> None:
    schema = definition_schema()
    assert schema["$schema"].endswith("2020-12/schema")
    validator_for(schema, offline=True)
    objects = list(_objects(schema))
    assert len(objects) > 15
    assert [each for each in objects if each.get("additionalProperties") is not False] == []


def _objects(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("type") == "object":
            yield value
        for each in value.values():
            yield from _objects(each)
    elif isinstance(value, list):
        for each in value:
            yield from _objects(each)


DID = {"event": "A"}


def nested(levels: int) -> dict[str, Any]:
    tree: dict[str, Any] = {"in_list": "l"}
    for _ in range(levels - 1):
        tree = {"not": tree}
    return of(tree)


def test_a_tree_of_eight_levels_is_the_deepest() -> None:
    read_segment(nested(8))
    assert "at where.not.not.not.not.not.not.not.not: deeper than 8 levels" in refusal(nested(9))
    assert "deeper than 8 levels" in refusal(nested(30))
    assert "nested more than 64 levels" in refusal(nested(200))


def test_sixty_four_conditions_are_the_most() -> None:
    half = {"any": [{"in_list": "l"}] * 32}
    read_segment(of({"all": [half, half]}))
    assert "65 conditions, at most 64" in refusal(of({"all": [half, half, {"in_list": "l"}]}))


def test_filters_have_limits_of_their_own() -> None:
    test: dict[str, Any] = {"path": "a", "op": "exists"}
    deep = test
    for _ in range(7):
        deep = {"any": {"path": "a", "where": [deep]}}
    read_segment(of({"did": DID | {"where": [deep]}}))
    assert "8 levels deep" in refusal(of({"did": DID | {"where": [{"all_of": [deep]}]}}))
    many = {"any_of": [test] * 32}
    assert "66 filters, at most 64" in refusal(of({"did": DID | {"where": [many, many]}}))


def test_the_limits_in_the_documentation_are_those_of_the_code() -> None:
    page = (DOCS / "segments.md").read_text()
    rows = dict(
        line.strip("| ").split(" | ")
        for line in page.partition("## Limits")[2].splitlines()
        if line.startswith("| ")
    )
    told = [
        int(number.replace(",", ""))
        for text in rows.values()
        for number in re.findall(r"[0-9][0-9,]*[0-9]|[0-9]", text)
    ]
    assert told == [
        *(DEPTH_MAX, LEAVES_MAX, 200, 6, STEPS_MAX, 200, FILTERS_MAX, FILTER_DEPTH_MAX, DURATION_DAYS_MAX),
        *(2, 53, 1_000),
        *(SEGMENT_BYTES_MAX, LIST_ENTRIES_MAX),
    ]
