"""Addresses of contacts: what is kept, why something is none, which node it is, and which ones an event has."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.contacts.contact_addresses import (
    Addresses,
    NotAnAddress,
    addresses_of,
    channel_of,
    contact_key,
    contact_node,
    kept_address,
)
from schemas.contacts.contact_lists import Channel
from schemas.events.rule_event import RuleEvent
from schemas.identity.identifiers import EMAIL, EXTERNAL, hash_email, node_id, node_key

KEY = bytes(range(16))


def an_event(**fields: object) -> RuleEvent:
    return RuleEvent(type="track", message_id="m1", timestamp="2026-01-02T03:04:05.000Z", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("channel", "sent", "region", "kept"),
    [
        ("email", " Ann@Shop.Example ", "", "ann@shop.example"),
        ("phone", "+49 (0)30 / 90 18 20", "", "+4930901820"),
        ("phone", "030 901820", "DE", "+4930901820"),
        ("phone", 4930901820, "", None),
        ("phone", "0049 30 901820", "DE", "+4930901820"),
        ("phone", "+1 555 010 0199", "", "+15550100199"),
        ("phone", "+49 30 901820", "US", "+4930901820"),
    ],
)
def test_an_address_is_kept_in_one_form(
    channel: Channel, sent: object, region: str, kept: str | None
) -> None:
    if kept is None:
        with pytest.raises(NotAnAddress):
            kept_address(channel, sent, region)
    else:
        assert kept_address(channel, sent, region) == kept


@pytest.mark.parametrize(
    ("channel", "sent", "why"),
    [
        ("email", "ann", "form of an e-mail address"),
        ("email", "Ann;ann@shop.example", "one address alone"),
        ("email", "ann,bob@shop.example", "one address alone"),
        ("email", "<script>@shop.example", "one address alone"),
        ("email", "a\0nn@shop.example", "one address alone"),
        ("email", "", "empty"),
        ("email", 7, "empty, or no text"),
        ("email", "a" * 250 + "@shop.example", "more than 254 characters"),
        ("phone", "030 901820", "CONTACT_PHONE_REGION"),
        ("phone", "+999 123 456", "code of a country"),
        ("phone", "call me", "no phone number"),
        ("phone", "+49", "no phone number"),
        ("phone", "+1 555", "too short for its country"),
        ("phone", "+49 30 901820 999999999", "too long for its country"),
        ("phone", True, "empty, or no text"),
        ("phone", "1" * 61, "more than 60 characters"),
    ],
)
def test_what_is_no_address_is_told_why_and_not_repeated(channel: Channel, sent: object, why: str) -> None:
    with pytest.raises(NotAnAddress, match=why) as told:
        kept_address(channel, sent)
    assert not isinstance(sent, str) or not sent or sent not in str(told.value)


def test_an_address_is_the_node_of_its_identifier() -> None:
    email = node_key("main", EMAIL, hash_email("ann@shop.example"))
    phone = node_key("main", EXTERNAL, "phone:+4930901820")
    assert contact_key("main", "email", "ann@shop.example") == email
    assert contact_key("main", "phone", "+4930901820") == phone
    assert contact_node("main", "phone", "+4930901820", KEY) == node_id(phone, KEY)


def test_an_event_has_the_addresses_of_its_traits_context_properties_and_external_ids() -> None:
    event = an_event(
        traits={"email": "Ann@shop.example", "phone": "+49 30 901820"},
        context={
            "traits": {"email": "bob@shop.example"},
            "externalIds": [{"type": "phone", "id": "+49 30 901821"}, {"type": "crm", "id": "7"}],
        },
        properties={"email": "ann@shop.example", "phone": "030 901822"},
    )
    assert addresses_of(event, "DE") == Addresses(
        ("ann@shop.example", "bob@shop.example"), ("+4930901820", "+4930901822", "+4930901821")
    )
    assert addresses_of(event).of("phone") == ("+4930901820", "+4930901821")


def test_what_is_no_address_of_an_event_is_passed_over() -> None:
    event = an_event(
        traits={"email": 7, "phone": []}, context={"traits": "none"}, properties={"email": "ann"}
    )
    assert addresses_of(event) == Addresses()


@pytest.mark.parametrize(("text", "channel"), [("ann@shop.example", "email"), ("+4930901820", "phone")])
def test_a_text_with_an_at_sign_is_an_email_address(text: str, channel: str) -> None:
    assert channel_of(text) == channel


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=70), st.sampled_from(["email", "phone"]), st.sampled_from(["", "DE", "US"]))
def test_what_is_kept_is_kept_as_it_is(text: str, channel: Channel, region: str) -> None:
    try:
        kept = kept_address(channel, text, region)
    except NotAnAddress:
        return
    assert kept_address(channel, kept) == kept
