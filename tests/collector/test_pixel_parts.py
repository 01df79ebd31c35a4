"""A source gets what its configuration has work for."""

import re

import pytest

from collector.pixel_parts import cut, parts_of
from collector.script import PARTS
from schemas.configuration.configuration_file import parse_file
from schemas.control import ControlState
from schemas.pixel.pixel_config import parts_config
from schemas.pixel.pixel_event_records import pixel_event_records

MARKED = b"a;/*! if one two */b;/*! if three */\nc;/*! end */\nd;/*! end */e"


@pytest.mark.parametrize(
    ("wanted", "left"),
    [("", b"a;e"), ("one", b"a;b;d;e"), ("two three", b"a;b;c;d;e"), ("three", b"a;e"), ("four", b"a;e")],
)
def test_a_part_is_there_when_everything_around_it_is(wanted: str, left: bytes) -> None:
    assert cut(MARKED, frozenset(wanted.split())) == left


@pytest.mark.parametrize(
    ("trigger", "more", "parts"),
    [
        ({"page": {}}, {}, "page"),
        ({"page": {}}, {"pages": ["/cart"]}, "page pages"),
        ({"page": {}}, {"query": {"a": "b"}}, "page query"),
        ({"click": {"selector": "a"}}, {}, "click"),
        ({"click": {"outbound": True}}, {}, "click outbound"),
        ({"submit": {}}, {"properties": {"a": 1}}, "submit properties"),
        ({"submit": {}}, {"properties": {"a": {"field": "plan"}}}, "submit properties field"),
        ({"scroll": {"percents": [50]}}, {"properties": {"a": {"meta": "b"}}}, "depth properties place"),
        ({"scroll": {"selector": "footer"}}, {}, "sight"),
        ({"time": {"seconds": [5]}}, {"hosts": ["shop.example"]}, "time"),
        ({"media": {}}, {}, "media"),
        ({"arrival": {"channel": "email"}}, {}, "arrival"),
    ],
)
def test_a_definition_brings_what_it_needs(
    trigger: dict[str, object], more: dict[str, object], parts: str
) -> None:
    shop = {"id": "shop", "write_keys": ["k1"]}
    seen = {"event": "Seen", "source": "shop", "trigger": trigger, **more}
    state = ControlState(dict(parse_file({"sources": [shop]}))).updated(pixel_event_records([seen]).items())
    config = parts_config(state.sources[0], state.pixel_events["shop"])
    assert parts_of(config) == {"automatic", "views", *parts.split()}


def test_without_anything_automatic_there_is_no_part() -> None:
    assert parts_of({}) == set()


def test_emails_and_domains_bring_their_own() -> None:
    assert parts_of({"emails": "plain", "domains": ["a.example"]}) == {"automatic", "emails", "domains"}


def test_the_marks_name_parts_that_a_configuration_can_ask_for() -> None:
    triggers = {"click", "submit", "media", "depth", "sight", "time", "arrival"}
    conditions = {"pages", "query", "outbound", "properties", "field", "place"}
    marks = re.findall(rb"/\*! if ([a-z ]+) \*/", PARTS.read_bytes())
    named = {name for mark in marks for name in mark.decode().split()}
    assert named == triggers | conditions | {"automatic", "views", "emails", "domains"}
