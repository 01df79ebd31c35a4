"""The committed JSON Schemas are those of the structs, take every example, and are closed."""

from importlib.resources import files
from typing import Any

import msgspec
import pytest
from jsonschema_rs import validator_for

from schemas.configuration.definition_schemas import action_kinds, as_text, committed
from tests.schemas.rule_definitions import ACTIONS, DESTINATIONS, rules

COMMITTED = committed()


def of_file(path: str) -> Any:
    return msgspec.json.decode((files("schemas") / path).read_bytes())


@pytest.mark.parametrize("path", COMMITTED)
def test_a_committed_schema_is_what_the_structs_make(path: str) -> None:
    """Mend it with: python -m tests.definition_schemas"""
    assert (files("schemas") / path).read_text() == as_text(COMMITTED[path])


def test_every_rule_passes_its_schema() -> None:
    schema = validator_for(of_file("rules/definition.schema.json"), offline=True)
    assert [each for each in rules() if not schema.is_valid(each)] == []


def test_every_destination_passes_its_schema() -> None:
    schema = validator_for(of_file("destinations/definition.schema.json"), offline=True)
    assert [each for each in DESTINATIONS if not schema.is_valid(each)] == []


@pytest.mark.parametrize("kind", action_kinds())
def test_every_action_passes_the_schema_of_its_kind_alone(kind: str) -> None:
    schema = validator_for(of_file(f"actions/{kind}.schema.json"), offline=True)
    own = [each[kind] for each in ACTIONS if kind in each]
    assert own
    assert [each for each in own if not schema.is_valid(each)] == []
    assert not schema.is_valid({**own[0], "unheard": 1})


@pytest.mark.parametrize("path", COMMITTED)
def test_a_schema_is_one_of_2020_12_and_says_what_is_expected_everywhere(path: str) -> None:
    schema = of_file(path)
    assert schema["$schema"].endswith("2020-12/schema")
    assert [each for each in _parts(schema) if "type" in each and not each.get("description")] == []
    closed = [each for each in _parts(schema) if each.get("type") == "object"]
    assert [each for each in closed if "additionalProperties" not in each] == []


def _parts(value: Any) -> Any:
    if isinstance(value, dict):
        if isinstance(value.get("type"), str | list):
            yield value
        for each in value.values():
            yield from _parts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _parts(each)
