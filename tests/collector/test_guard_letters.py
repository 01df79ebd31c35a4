"""What is kept of a refused event whose visitor or source wants it kept back: dead letters, held to the rules of events."""

import json
from typing import Any

import pytest

from collector.exchange import Intake
from collector.replies import SUCCESS
from schemas.wire.codec import decode
from tests.collector.test_guard import GPC, NO, RULES, YES, batch, name, of, taken

BAD = {"type": "nonsense", "userId": "ann", "traits": {"email": "ann@shop.example"}}


def letters_of(intake: Intake) -> list[dict[str, Any]]:
    return [json.loads(decode(letter.value)["payload"]) for letter in intake.letters]


def test_what_is_refused_of_a_visitor_without_a_name_has_none_either() -> None:
    context = {"traits": {"email": "ann@shop.example"}, "locale": "de"}
    intake = taken(batch({**BAD, "context": context}), wishes=GPC)
    kept = {"type": "nonsense", "event": "E", "context": {"locale": "de"}, "anonymousId": name()}
    assert (letters_of(intake), intake.dropped) == ([kept], {})


def test_what_is_refused_is_held_against_a_consent_as_events_are() -> None:
    source = of(consent=RULES)
    intake = taken(batch({**BAD, "context": NO}, {**BAD, "context": YES}, BAD), source)
    granted = {**BAD, "event": "E", "context": YES}
    unasked = {"type": "nonsense", "event": "E", "anonymousId": name(source)}
    assert (letters_of(intake), intake.dropped) == ([granted, unasked], {"consent": 1})


@pytest.mark.parametrize(
    "body", [b'{"userId": "ann", ', json.dumps({"batch": [{"userId": "ann"}] * 101}).encode()]
)
def test_what_cannot_be_made_nameless_is_not_kept(body: bytes) -> None:
    intake = taken(body, wishes=GPC, authorization="Bearer good")
    assert (intake.letters, intake.dropped) == ([], {"nameless": 1})
    assert taken(body, authorization="Bearer good").letters


def test_an_event_that_cannot_be_made_nameless_is_not_kept_and_costs_the_others_nothing() -> None:
    intake = taken(batch({"userId": "a"}, {"batch": [{"userId": "b"}]}), wishes=GPC)
    assert (intake.reply, len(intake.events), intake.letters) == (SUCCESS, 1, [])
    assert intake.dropped == {"nameless": 1}
