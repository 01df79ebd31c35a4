"""A request that changes a list of contacts: its body, read item by item, into facts and what is told of each. Pure.

An item that cannot be taken keeps no other one back. No text repeats an address.
"""

from typing import Any

import msgspec

from console.replies import Refused
from schemas.contacts.contact_changes import BadChange, Into, Stated, fact_of
from schemas.contacts.contact_facts import ADDED, DELETED, ContactFact

FORM = 'expected {"add": [{"email": ..}], "delete": [..]}; an item has email or phone, and may have mailer and at'


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email: str | None = None
    phone: str | None = None
    mailer: str = ""
    at: str = ""


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Items are read one by one."""

    add: list[Any] = []
    delete: list[Any] = []


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of the item at `index` of `add` or `delete`: why it was not taken, "" when it was."""

    part: str
    index: int
    is_taken: bool = msgspec.field(name="taken")
    error: str = ""


class Read(msgspec.Struct, frozen=True):
    facts: list[ContactFact]
    outcomes: list[Outcome]


_decode = msgspec.json.Decoder(Body).decode


def read_changes(body: bytes, into: Into, changes_max: int) -> Read:
    """Raises Refused."""
    try:
        asked = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused(400, f"the body cannot be read: {FORM}") from None
    count = len(asked.add) + len(asked.delete)
    if not count:
        raise Refused(400, f"the body changes nothing: {FORM}")
    if count > changes_max:
        raise Refused(
            413,
            f"{count} changes, at most {changes_max} in one request (CONTACT_REQUEST_CHANGES_MAX): send several",
        )
    read = Read([], [])
    for part, change, items in (("add", ADDED, asked.add), ("delete", DELETED, asked.delete)):
        for index, item in enumerate(items):
            try:
                read.facts.append(fact_of(_stated(item, change, into), into))
                read.outcomes.append(Outcome(part, index, is_taken=True))
            except BadChange as error:
                read.outcomes.append(Outcome(part, index, is_taken=False, error=str(error)))
    return read


def _stated(item: Any, change: str, into: Into) -> Stated:
    """Raises BadChange."""
    try:
        read = msgspec.convert(item, Item)
    except msgspec.ValidationError:
        raise BadChange(
            "expected a mapping with email or phone, and perhaps mailer and at, all of them texts"
        ) from None
    wanted = into.list.channel
    other = "phone" if wanted == "email" else "email"
    if getattr(read, other) is not None:
        raise BadChange(f"{other}: the list has addresses of channel {wanted}: give {wanted} alone")
    if getattr(read, wanted) is None:
        raise BadChange(f"{wanted} is missing")
    return Stated(change, getattr(read, wanted), read.mailer, read.at)
