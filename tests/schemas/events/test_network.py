"""Addresses are cut down to what is kept, wherever the text of an event has them, and nothing else in it changes."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events.network import ADDRESSES_MAX, Kept, cut, parsed_address, without_addresses
from schemas.events.pack import PackedEvent
from tests.processors.driver import packed

ADDRESSES = [
    # as sent, truncated, in full
    ("203.0.113.77", "203.0.113.0", "203.0.113.77"),
    ("8.8.8.8", "8.8.8.0", "8.8.8.8"),
    ("::ffff:203.0.113.77", "203.0.113.0", "203.0.113.77"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1::", "2001:db8:1:2:3:4:5:6"),
    ("2001:DB8::1", "2001:db8::", "2001:db8::1"),
    ("::1", "::", "::1"),
]
NONE = [
    "",
    "localhost",
    "203.0.113",
    "203.0.113.256",
    "1.2.3.4.5",
    "10",
    "[::1]",
    "::1%eth0x" * 9,
    "²03.0.113.7",
    "unknown",
]


@pytest.mark.parametrize(("text", "truncated", "full"), ADDRESSES)
def test_an_address_is_cut_to_its_network(text: str, truncated: str, full: str) -> None:
    address = parsed_address(text)
    assert address is not None
    assert [cut(address, kept) for kept in ("none", "truncated", "full")] == ["", truncated, full]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_address_is_none(text: str) -> None:
    assert parsed_address(text) is None


TEXTS = [
    # a member's value, what is left of it truncated and without any
    ('"203.0.113.77"', '"203.0.113.0"', '""'),
    ('"2001:db8:1:2::3"', '"2001:db8:1::"', '""'),
    ('"203.0.113.77:4711"', '"203.0.113.0"', '""'),
    ('"203.0.113.77, 198.51.100.9"', '"203.0.113.0, 198.51.100.0"', '", "'),
    ('["203.0.113.77", "::1"]', '["203.0.113.0", "::"]', '["", ""]'),
    ('["203.0.113.77]", "198.51.100.9"]', '["203.0.113.0]", "198.51.100.0"]', '["]", ""]'),
    ('"203.000.113.077"', '"203.000.113.0"', '""'),
    ('"203.0.113.77:80:90 a203.0.113.77"', '"203.0.113.0:80:90 a203.0.113.0"', '":80:90 a"'),
    ('"1.2.3.4.5"', '"1.2.3.4.5"', '"1.2.3.4.5"'),
    ('"it was 203.0.113.77."', '"it was 203.0.113.0"', '"it was "'),
    ('"\\u003203.0.113.77"', '"203.0.113.0"', '""'),
    ('"not \\"said\\""', '"not \\"said\\""', '"not \\"said\\""'),
    ('{"v4": "203.0.113.77"}', '{"v4": "203.0.113.77"}', '{"v4": "203.0.113.77"}'),
    ("7", "7", "7"),
    ("null", "null", "null"),
]
PLACES = [
    '{{"context": {{"ip": {0}, "page": {{"url": "/"}}}}}}',
    '{{"properties":{{"a":[{{"ip"  :{0}}}]}}}}',
    '{{"ip":{0}}}',
]


def event(text: str, context: str = "") -> PackedEvent:
    return packed({"userId": "u"}, payload=text.encode(), context=context.encode())


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("value", "truncated", "none"), TEXTS)
def test_a_member_called_ip_is_cut_anywhere_and_nothing_else_changes(value, truncated, none, place) -> None:
    both: list[tuple[Kept, str]] = [("truncated", truncated), ("none", none)]
    for kept, expected in both:
        found, _ = without_addresses(event(place.format(value)), kept)
        assert found.payload.decode() == place.format(expected)
        json.loads(found.payload)


def test_of_a_text_with_more_addresses_than_anybody_has_the_rest_goes_unread() -> None:
    addresses = [f"198.51.100.{number}" for number in range(1, 250)] + ["abc", "2001:db8::1"]
    found, _ = without_addresses(event(json.dumps({"ip": " ".join(addresses)})), "truncated")
    assert json.loads(found.payload)["ip"].split() == ["198.51.100.0"] * ADDRESSES_MAX + ["abc"]


SAID = [
    # the event's text, its batch's context -> the address that it names
    ('{"context":{"ip":"203.0.113.77"}}', "", "203.0.113.77"),
    ('{"properties":{"ip":"203.0.113.77"}}', "", ""),
    ("{}", '{"ip":"203.0.113.77"}', "203.0.113.77"),
    ('{"context":null}', '{"ip":"203.0.113.77"}', "203.0.113.77"),
    ('{"context":{}}', '{"ip":"203.0.113.77"}', ""),
    ('{"context":["ip"]}', '{"ip":"203.0.113.77"}', ""),
    ('{"context":{"ip":["203.0.113.77"]}}', "", ""),
    ('{"context":{"ip":"203.0.113.77"}', "", ""),
    ("{}", '{"ip":', ""),
]


@pytest.mark.parametrize(("text", "context", "said"), SAID)
def test_the_address_that_the_context_names_is_told_apart(text: str, context: str, said: str) -> None:
    assert without_addresses(event(text, context), "truncated")[1] == said


@settings(max_examples=200, deadline=None)
@given(
    address=st.ip_addresses(),
    others=st.dictionaries(
        st.text("abcde", max_size=8), st.text(max_size=30) | st.integers(-9, 9), max_size=3
    ),
    kept=st.sampled_from(["none", "truncated"]),
    is_shared=st.booleans(),
)
def test_an_address_that_was_cut_is_in_the_text_no_more(address, others, kept: Kept, is_shared: bool) -> None:
    context = others | {"ip": str(address)}
    call = {} if is_shared else {"context": context}
    sent = event(json.dumps(call), json.dumps(context) if is_shared else "")
    found, said = without_addresses(sent, kept)
    assert said == str(address)
    shortened = (
        msgspec.json.decode(found.context) if is_shared else msgspec.json.decode(found.payload)["context"]
    )
    plain = parsed_address(str(address))
    assert plain is not None
    assert shortened["ip"] == cut(plain, kept)
    assert {name: value for name, value in shortened.items() if name != "ip"} == json.loads(
        json.dumps(others)
    )


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=80), st.binary(max_size=80))
def test_any_bytes_can_be_looked_through(payload: bytes, context: bytes) -> None:
    for text in (payload, b'{"ip":' + payload, b'{"context":{"ip":"' + payload + b'"}}'):
        without_addresses(packed({"userId": "u"}, payload=text, context=context), "truncated")
