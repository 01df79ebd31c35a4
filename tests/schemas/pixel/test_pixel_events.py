"""Event definitions: what a file may say, how it is refused, and what the pixel gets of it."""

from typing import Any

import msgspec
import pytest

from schemas.control import ControlState
from schemas.pixel.pixel_event_records import (
    COMPACT_BYTES_PER_SOURCE_MAX,
    DEFINITIONS_PER_SOURCE_MAX,
    BadPixelEvent,
    pixel_event_records,
    refuse_unusable,
)
from schemas.pixel.pixel_events import TRIGGERS, compact
from schemas.pixel.pixel_selectors import SELECTOR_CHARS_MAX, why_no_selector

SMALLEST: dict[str, Any] = {
    "page": None,
    "click": {"selector": "a.price"},
    "submit": None,
    "scroll": {"percents": [50]},
    "time": {"seconds": [30]},
    "media": None,
    "arrival": {"channel": "email"},
}


def entry(trigger: Any, **more: Any) -> dict[str, Any]:
    return {"event": "Seen", "source": "shop", "trigger": trigger, **more}


def state_of(*entries: Any) -> ControlState:
    return ControlState().updated(pixel_event_records(entries).items())


def in_the_pixel(trigger: Any, **more: Any) -> dict[str, Any]:
    """Through the topic's document and JSON, as it gets there."""
    (definition,) = state_of(entry(trigger, **more)).pixel_events["shop"]
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(compact(definition)))
    return found


def refusal(*entries: Any) -> str:
    with pytest.raises(BadPixelEvent) as caught:
        pixel_event_records(entries)
    return str(caught.value)


@pytest.mark.parametrize("name", TRIGGERS)
def test_each_trigger_alone_is_an_event(name: str) -> None:
    found = in_the_pixel({name: SMALLEST[name]})
    assert (found["event"], found["on"]) == ("Seen", name)


@pytest.mark.parametrize("second", [name for name in TRIGGERS if name != "click"])
def test_an_event_with_two_triggers_is_refused_with_both_names_and_a_way_out(second: str) -> None:
    told = refusal(entry({"click": SMALLEST["click"], second: SMALLEST[second]}))
    assert told == (
        f"pixel_events[0] (event 'Seen' of source 'shop'): at trigger: click and {second}, and an event has exactly one: "
        "make an event of its own of each"
    )


def test_what_is_default_is_left_out_and_the_rest_has_one_shape() -> None:
    assert in_the_pixel({"page": None}) == {"event": "Seen", "on": "page"}
    assert in_the_pixel({"submit": None})["selector"] == "form"
    assert in_the_pixel({"scroll": {"percents": [75, 25, 75]}})["at"] == [25, 75]
    assert in_the_pixel({"time": {"seconds": [60, 10]}})["at"] == [10, 60]
    assert in_the_pixel({"media": None}) == {
        "event": "Seen",
        "on": "media",
        "selector": "video, audio",
        "at": [25, 50, 75],
    }
    full = {
        "pages": ["/a/*"],
        "hosts": ["*.shop.example"],
        "query": {"ref": "x*"},
        "properties": {"plan": "pro", "price": {"attribute": "data-price", "of": ".card", "as": "number"}},
    }
    assert in_the_pixel({"page": None}, **full) == {"event": "Seen", "on": "page", **full}


def test_an_arrival_by_mail_knows_what_the_channels_list_knows() -> None:
    mail = in_the_pixel({"arrival": {"channel": "email"}})["mail"]
    assert {"_c", "mc_eid"} <= set(mail["marks"])
    assert "newsletter" in mail["media"]
    assert "mail.google.com" in mail["hosts"]
    assert "mailchimp" in mail["sources"]
    assert not [name for name in mail["sources"] if name in mail["hosts"]]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (entry({}), "at trigger: none, and an event has exactly one: choose one of page, click,"),
        (entry({"clik": {}}), "unknown field `clik`"),
        (entry("click"), r"\$.trigger"),
        ({"event": "Seen", "source": "shop"}, "missing required field `trigger`"),
        ("Seen", "Expected `object`"),
        (entry({"page": None}, event=" Seen"), r"\$.event"),
        (entry({"page": None}, source="A shop"), r"\$.source"),
        (entry({"page": None}, page=["/x"]), "unknown field `page`"),
        (entry({"page": None}, pages=["shop"]), r"\$.pages\[0\]"),
        (entry({"page": None}, hosts=["https://shop.example"]), r"\$.hosts\[0\]"),
        (entry({"click": None}), "say which elements with selector, or outbound: true"),
        (entry({"click": {"selector": "a[href='x]"}}), r"at trigger.click.selector: .* quote .* never closed"),
        (entry({"submit": {"selector": "form("}}), "at trigger.submit.selector: .* bracket"),
        (entry({"scroll": None}), "give either percents .* or selector"),
        (entry({"scroll": {"percents": [50], "selector": "#x"}}), "give either percents .* or selector"),
        (entry({"scroll": {"percents": [101]}}), r"<= 100 - at `\$.trigger.scroll.percents\[0\]`"),
        (entry({"time": {"seconds": []}}), "seconds"),
        (entry({"media": {"percents": [100]}}), "<= 99"),
        (entry({"arrival": None}), "exactly one of utm, referrer, channel"),
        (entry({"arrival": {"utm": {"medium": "x"}, "channel": "email"}}), "exactly one of utm"),
        (entry({"arrival": {"channel": "pigeon"}}), "channel"),
        (entry({"page": None}, properties={"a": {}}), "at properties.a: nothing to take it from"),
        (entry({"page": None}, properties={"a": {"text": True, "field": "b"}}), "text and field to take it"),
        (entry({"page": None}, properties={"a": {"attribute": "Value"}}), "field: NAME"),
        (entry({"page": None}, properties={"a": {"query": "email"}}), "names people"),
        (entry({"page": None}, properties={"a": {"text": True, "of": "a >"}}), "at properties.a.of: .*combinator"),
        (entry({"page": None}, properties={"a": [1]}), r"\$.properties"),
        ({"event": "Seen", "source": "shop", "deleted": False}, "says nothing: leave it out"),
        ({"event": "Seen", "deleted": True}, "source"),
    ],
)  # fmt: skip
def test_a_wrong_definition_is_refused_with_its_place_and_what_to_do(wrong: Any, told: str) -> None:
    with pytest.raises(BadPixelEvent, match=rf"^pixel_events\[1\] \(event .*\): .*{told}"):
        pixel_event_records([entry({"page": None}, event="Another"), wrong])


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "user[Passwd]",
        "pwd2",
        "card_number",
        "cardNumber",
        "cvc",
        "iban",
        "csrf_token",
        "pin",
        "user_pass",
        "passcode",
        "otp",
    ],
)
def test_a_field_of_a_secrets_name_is_refused(name: str) -> None:
    told = refusal(entry({"submit": None}, properties={"a": {"field": name}}))
    assert "holds a secret: it is never read" in told


def test_an_ordinary_field_is_not_taken_for_a_secret() -> None:
    for name in ("email", "company", "shipping", "opinion", "spinner", "postcard", "passengers", "passage"):
        assert in_the_pixel({"submit": None}, properties={"a": {"field": name}})


def test_the_same_event_twice_is_refused_but_another_sources_is_another() -> None:
    assert "stands twice" in refusal(entry({"page": None}), entry({"submit": None}))
    state = state_of(entry({"page": None}), entry({"submit": None}, source="blog"))
    assert {source: len(found) for source, found in state.pixel_events.items()} == {"blog": 1, "shop": 1}


def test_an_event_may_have_any_name_and_can_be_deleted() -> None:
    name = "Größe/Preis: 50 % ✓"
    before = state_of(entry({"page": None}, event=name), entry({"page": None}))
    assert [each.event for each in before.pixel_events["shop"]] == [name, "Seen"]
    records = pixel_event_records([{"event": name, "source": "shop", "deleted": True}])
    assert [each.event for each in before.updated(records.items()).pixel_events["shop"]] == ["Seen"]
    gone = pixel_event_records([{"event": "Seen", "source": "shop", "deleted": True}])
    assert before.updated({**records, **gone}.items()).pixel_events == {}
    assert len(before.pixel_events["shop"]) == 2, "a state itself never changes"


def checked(before: ControlState, *entries: Any, sources: tuple[str, ...] = ("shop",)) -> None:
    records = pixel_event_records(entries)
    refuse_unusable(before.updated(records.items()).pixel_events, sources, records)


def test_events_of_a_source_that_is_not_there_are_refused() -> None:
    with pytest.raises(BadPixelEvent, match="there is no such source, only blog, shopp: mend the name"):
        checked(ControlState(), entry({"page": None}), sources=("shopp", "blog"))
    checked(ControlState(), {"event": "Seen", "source": "gone", "deleted": True})


def test_a_source_has_as_many_events_as_its_pages_can_bear() -> None:
    many = [entry({"page": None}, event=f"Seen {n}") for n in range(DEFINITIONS_PER_SOURCE_MAX)]
    checked(ControlState(), *many)
    with pytest.raises(BadPixelEvent, match=f"101 of them, at most {DEFINITIONS_PER_SOURCE_MAX}"):
        checked(state_of(*many), entry({"page": None}))
    checked(state_of(*many), entry({"submit": None}, event="Seen 1"))  # one that is there already
    long = [entry({"page": None}, event=f"Seen {n}", properties={"a": "x" * 450}) for n in range(70)]
    with pytest.raises(BadPixelEvent, match=f"bytes in the pixel, at most {COMPACT_BYTES_PER_SOURCE_MAX}"):
        checked(ControlState(), *long)


@pytest.mark.parametrize(
    "selector",
    [
        "a",
        "a.price, [data-price-list]",
        "a[href$='.pdf' i]",
        'a[title="it\'s (here) ]"]',
        "form:not([action*='search']) > button:is([type=submit], .go)",
        "ul:has(> li:nth-child(2n+1))",
        "#\\31 23",
        "dialog:popover-open:whatever-comes-next",
        "*",
    ],
)
def test_a_selector_that_a_browser_may_know_passes(selector: str) -> None:
    assert why_no_selector(selector) == ""


@pytest.mark.parametrize(
    ("selector", "why"),
    [
        ("a[href='x", "quote"),
        ("a[href", "bracket"),
        ("a)", "bracket"),
        ("a([)]", "bracket"),
        ("a { color: red }", "'{'"),
        ("/html/body", "'/'"),
        ("a, ", "empty part"),
        ("a >", "combinator"),
        ("> a", "combinator"),
        ("a > + b", "combinator"),
        ("x" * (SELECTOR_CHARS_MAX + 1), "at most"),
    ],
)
def test_a_selector_that_is_none_is_told_why(selector: str, why: str) -> None:
    assert why in why_no_selector(selector)
