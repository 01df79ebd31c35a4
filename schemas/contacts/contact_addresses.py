"""Addresses of contacts: an e-mail address or a phone number as it is kept, the node that it is, and those that an event has.

An e-mail address is normalised as identity does (identifiers.py), a phone number becomes E.164. What has a length that its
country's numbers have is a phone number, in use or not: which ranges are in use changes with every release of the
library, and an address must be the same node for ever. Pure.

Deliberately absent: whether anybody reads what is sent there, and whose it is.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from phonenumbers import (
    NumberParseException,
    PhoneNumberFormat,
    ValidationResult,
    format_number,
    is_possible_number_with_reason,
    parse,
)

from schemas.contacts.contact_lists import Channel
from schemas.events.rule_event import RuleEvent
from schemas.identity.identifiers import (
    EMAIL,
    EXTERNAL,
    external_ids,
    hash_email,
    node_id,
    node_key,
    normalise_email,
    text,
)

EMAIL_CHANNEL: Final = "email"
PHONE_CHANNEL: Final = "phone"
PHONE_TYPE: Final = "phone"  # of an external id that is a phone number
EMAIL_CHARS_MAX = 254  # a mail server takes no longer one (RFC 5321)
PHONE_CHARS_MAX = 60  # with blanks, brackets and what else people write

# What separates addresses, columns or lines where somebody wrote several things as one; quoted, mail servers would take some.
_SEPARATOR = re.compile(r"""[\s,;:<>()\[\]\\"\x00-\x1f\x7f]""")

_WHY_NO_NUMBER = {
    NumberParseException.INVALID_COUNTRY_CODE: "it does not begin with + and the code of a country: write it so, or "
    "set CONTACT_PHONE_REGION",
    NumberParseException.NOT_A_NUMBER: "it is no phone number",
    NumberParseException.TOO_SHORT_AFTER_IDD: "it is too short for a phone number",
    NumberParseException.TOO_SHORT_NSN: "it is too short for a phone number",
    NumberParseException.TOO_LONG: "it is too long for a phone number",
}
_WHY_IMPOSSIBLE = {
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "it lacks its area code",
    ValidationResult.INVALID_COUNTRY_CODE: "no country has this code",
    ValidationResult.TOO_SHORT: "it is too short for its country",
    ValidationResult.INVALID_LENGTH: "its country has no numbers of this length",
    ValidationResult.TOO_LONG: "it is too long for its country",
}


class NotAnAddress(ValueError):
    """The text says why, and does not repeat the value."""


class Addresses(msgspec.Struct, frozen=True):
    """As they are kept, each once, in the order in which they are looked for."""

    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()

    def of(self, channel: str) -> tuple[str, ...]:
        return self.emails if channel == EMAIL_CHANNEL else self.phones


def kept_address(channel: str, value: object, region: str = "") -> str:
    """`region`: the country (ISO 3166, two letters) whose numbers are written without its code; "": none is.

    Raises NotAnAddress.
    """
    return _kept_email(value) if channel == EMAIL_CHANNEL else _kept_phone(value, region)


def address_or_none(channel: str, value: object, region: str = "") -> str:
    """The same, "" for what is no address."""
    try:
        return kept_address(channel, value, region)
    except NotAnAddress:
        return ""


def channel_of(value: str) -> Channel:
    """What a text without a channel is taken for."""
    return "email" if "@" in value else "phone"


def contact_key(workspace: str, channel: str, address: str) -> bytes:
    """The node key of an address as it is kept; an e-mail address's is the identifier's, a phone number's that of an external id
    of type `phone`."""
    if channel == EMAIL_CHANNEL:
        return node_key(workspace, EMAIL, hash_email(address))
    return node_key(workspace, EXTERNAL, f"{PHONE_TYPE}:{address}")


def contact_node(workspace: str, channel: str, address: str, hash_key: bytes) -> int:
    return node_id(contact_key(workspace, channel, address), hash_key)


def addresses_of(event: RuleEvent, region: str = "") -> Addresses:
    """Those that an event names: in its traits, in its context's traits, in its properties, and as external ids."""
    context_traits = event.context.get("traits")
    said = (event.traits, context_traits if isinstance(context_traits, dict) else {}, event.properties)
    return Addresses(
        _each_once(address_or_none("email", each) for each in _named(said, "email")),
        _each_once(
            address_or_none("phone", each, region)
            for each in (*_named(said, "phone"), *_external_phones(event))
        ),
    )


def _named(objects: tuple[Mapping[str, Any], ...], name: str) -> Iterator[object]:
    return (found[name] for found in objects if name in found)


def _external_phones(event: RuleEvent) -> Iterator[str]:
    return (value for kind, value in external_ids(event.context) if kind == PHONE_TYPE)


def _each_once(found: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for each in found if each))


def _kept_email(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise NotAnAddress("it is empty, or no text: an e-mail address has the form name@host.domain")
    if len(value.strip()) > EMAIL_CHARS_MAX:
        raise NotAnAddress(f"it has more than {EMAIL_CHARS_MAX} characters, which no e-mail address has")
    address = normalise_email(value)
    if not address:
        raise NotAnAddress("it has not the form of an e-mail address: name@host.domain")
    if _SEPARATOR.search(address):
        raise NotAnAddress(
            "it has a blank, a comma, a bracket or the like in it: one address alone, name@host.domain"
        )
    return address


def _kept_phone(value: object, region: str) -> str:
    said = "" if isinstance(value, bool | dict | list) else text(value)
    if not said:
        raise NotAnAddress("it is empty, or no text: a phone number is written as +4930901820")
    if len(said) > PHONE_CHARS_MAX:
        raise NotAnAddress(f"it has more than {PHONE_CHARS_MAX} characters, which no phone number has")
    try:
        number = parse(said, region or None)
    except NumberParseException as error:
        raise NotAnAddress(_WHY_NO_NUMBER.get(error.error_type, "it is no phone number")) from None
    possible = is_possible_number_with_reason(number)
    if possible != ValidationResult.IS_POSSIBLE:
        raise NotAnAddress(_WHY_IMPOSSIBLE.get(possible, "it is no phone number"))
    return format_number(number, PhoneNumberFormat.E164)
