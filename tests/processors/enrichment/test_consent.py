"""What stands on an event of its visitor's decision: by the event's own answers, and by what the door saw."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.enrichment.consent import CATEGORIES_MAX, NAME_CHARACTERS_MAX, consent_of
from processors.events.mentions import mentions
from processors.events.parsed import ParsedEvent, parse
from schemas.events.pack import Seen
from schemas.wire.stamps import NO_CONSENT, Consent
from tests.processors.driver import Pipeline, packed


def context(preferences: object) -> dict[str, Any]:
    return {"consent": {"categoryPreferences": preferences}}


SAID = [
    # context, what the door saw -> consent
    ({}, None, NO_CONSENT),
    ({"consent": None}, None, NO_CONSENT),
    ({"consent": "yes"}, None, NO_CONSENT),
    (context(None), None, NO_CONSENT),
    (context({}), None, NO_CONSENT),
    (context([True]), None, NO_CONSENT),
    (context({"b": True, "a": True, "c": False}), None, Consent(state="granted", categories=("a", "b"))),
    (context({"a": False}), None, Consent(state="denied")),
    (context({"a": "true", "b": 1}), None, Consent(state="denied")),
    ({}, Seen(signals=("gpc", "cookieless")), Consent(signals=("gpc", "cookieless"))),
    ({}, Seen(state="pending", signals=("cookieless",)), Consent(state="pending", signals=("cookieless",))),
    (context({"ads": True}), Seen(state="denied"), Consent(state="denied", categories=("ads",))),
    (
        context({"ads": True}),
        Seen(signals=("dnt",)),
        Consent(state="granted", categories=("ads",), signals=("dnt",)),
    ),
]


@pytest.mark.parametrize(("said", "seen", "consent"), SAID)
def test_answers_and_what_the_door_saw_make_one_stamp(
    said: dict[str, Any], seen: Seen | None, consent: Consent
) -> None:
    found = consent_of(said, seen)
    assert found == consent
    assert consent_of(said, seen) is found


@pytest.mark.parametrize(
    ("seen", "claimed"), [(None, 1), (Seen(signals=("gpc",)), 1), (Seen(signals=("cookieless",)), 0)]
)
def test_a_link_names_nobody_who_is_taken_without_a_cookie(seen: Seen | None, claimed: int) -> None:
    page = {"url": "https://shop.example/?email=ann@shop.example"}
    event = msgspec.structs.replace(
        packed({"type": "page", "anonymousId": "daily-1", "context": {"page": page}}, unsigned_links=True),
        seen=seen,
    )
    parsed = parse(event)
    assert isinstance(parsed, ParsedEvent)
    about = mentions(parsed, "m1")
    assert about is not None
    assert ([found.value for found in about.stated], len(about.claimed)) == (["daily-1"], claimed)
    assert b"ann@shop.example" not in parsed.packed.payload


def test_what_is_resolved_says_what_was_decided_and_seen() -> None:
    call = {
        "type": "track",
        "messageId": "m1",
        "anonymousId": "a",
        "context": context({"ads": True, "other": False}),
    }
    events = [
        msgspec.structs.replace(packed(call), seen=Seen(state="denied", signals=("gpc", "cookieless"))),
        packed(call | {"messageId": "m2"}),
        packed({"type": "track", "messageId": "m3", "anonymousId": "a"}),
    ]
    found = {event["message_id"]: event["consent"] for event in Pipeline().send(events).resolved}
    assert found == {
        "m1": {"state": "denied", "categories": ["ads"], "signals": ["gpc", "cookieless"]},
        "m2": {"state": "granted", "categories": ["ads"], "signals": []},
        "m3": {"state": "", "categories": [], "signals": []},
    }


def test_what_says_nothing_is_the_default_itself() -> None:
    assert consent_of({}, None) is consent_of({"consent": 5}, Seen()) is NO_CONSENT


def test_names_without_end_are_cut() -> None:
    found = consent_of(context({f"{number:03}" + "x" * 100: True for number in range(100)}), None)
    assert len(found.categories) == CATEGORIES_MAX
    assert {len(name) for name in found.categories} == {NAME_CHARACTERS_MAX}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_any_json_gives_a_stamp_whose_categories_are_those_with_a_plain_yes(value: object) -> None:
    found = consent_of(context(value), None)
    granted = {name for name, answer in value.items() if answer is True} if isinstance(value, dict) else set()
    assert set(found.categories) == granted
    assert found.state == (
        "" if not isinstance(value, dict) or not value else "granted" if granted else "denied"
    )
