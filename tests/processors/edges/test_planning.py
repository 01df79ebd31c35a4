"""By which plans a chunk is judged, as the control topic changes."""

from typing import Any

import msgspec
import pytest

from processors.edges.controlling import ControlUnread
from processors.edges.planning import current_plans, plan_book
from processors.enrichment.plans import compiled, judge
from processors.events.parsed import ParsedEvent, Refusal, parse
from runtime.environment.settings import KafkaSettings
from runtime.kafka import KafkaUnavailable
from schemas.configuration.configuration_file import parse_file
from schemas.control import ControlState
from schemas.sources.plans import Plan
from tests.processors.driver import packed

ARTICLE = {"required": ["article"]}


def _event(properties: dict[str, Any]) -> ParsedEvent:
    event = parse(packed({"type": "track", "userId": "ann", "event": "Read", "properties": properties}))
    assert isinstance(event, ParsedEvent)
    return event


def test_a_plan_is_compiled_once_and_one_that_cannot_be_leaves_the_last_one():
    first = Plan(source="shop", events={"Read": ARTICLE})
    before, problems = compiled([first])
    assert not problems
    assert compiled([first], before)[0]["shop"] is before["shop"]
    after, problems = compiled([Plan(source="shop", events={"Read": {"type": "strin"}})], before)
    assert after["shop"] is before["shop"]
    assert len(problems) == 1
    assert compiled([Plan(source="shop", events={"Read": False})], before)[0]["shop"] is not before["shop"]
    assert compiled([], before) == ({}, [])


class Control(msgspec.Struct):
    """What stands in for the topic's reader."""

    state: ControlState
    problem: str = ""


def test_a_chunk_is_judged_by_the_plans_of_its_moment():
    file = {"plans": [{"source": "shop", "plan": "block", "events": {"Read": ARTICLE}}]}
    control = Control(ControlState())
    book = plan_book(control)
    assert book() == {}
    control.state = control.state.updated(parse_file(file).items())
    plans = book()
    assert isinstance(judge(plans, _event({})), Refusal)
    control.state = control.state.updated(parse_file({"sources": [{"id": "a", "write_keys": ["k"]}]}).items())
    assert book()["shop"] is plans["shop"], "another document's change compiles nothing"
    control.state = control.state.updated([("plan/shop", None)])
    assert book() == {}


def test_a_processor_without_plans_does_not_start():
    away = KafkaSettings(bootstrap_servers="127.0.0.1:1", answer_timeout_s=1)
    with pytest.raises(KafkaUnavailable, match="control topic at"), current_plans(away):
        pass


def test_without_a_reader_nothing_is_judged():
    control = Control(ControlState(), problem="the control topic is not read any more")
    with pytest.raises(ControlUnread, match="not read any more"):
        plan_book(control)()
