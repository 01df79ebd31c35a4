"""What somebody states of a list by the API or in a file: one change, checked, as a fact for agent `contacts`. Pure.

Deliberately absent: what events and rules state (agents `triggers` and `actions` make facts of that themselves).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from schemas.contacts.contact_addresses import NotAnAddress, contact_key, kept_address
from schemas.contacts.contact_facts import ContactFact, encode_contact_facts
from schemas.contacts.contact_lists import CONTACT_LIST, ContactList, Mailer
from schemas.identity.identifiers import partition_of
from schemas.stream import OutputRecord
from schemas.topics import CONTACTS_FACTS

_CHANNEL_OF = {"email": "email", "sms": "phone"}  # of a mailer -> of the addresses that it sends to
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NoSuchList(ValueError):
    """The text says which there are."""


class BadChange(ValueError):
    """A change that cannot be taken; the text says why, and repeats no value."""


class Into(msgspec.Struct, frozen=True):
    """The list that changes are for. `mailers`: those that may have sent for it. `region`: as in contact_addresses.py. `now`
    (ms): when a change happened that does not say so."""

    list: ContactList
    mailers: frozenset[str]
    region: str
    origin: str
    now: int


class Stated(msgspec.Struct, frozen=True):
    """`at`: an instant in ISO 8601, without a zone UTC; "" for now."""

    change: str
    address: Any
    mailer: str = ""
    at: str = ""


def list_of(lists: Mapping[str, ContactList], workspace: str, name: str) -> ContactList:
    """`lists`: all, as `control` has them, by key. Raises NoSuchList."""
    found = lists.get(f"{CONTACT_LIST}{workspace}/{name}")
    if found is None:
        known = sorted(each.list for each in lists.values() if each.workspace == workspace)
        raise NoSuchList(
            f"there is no such contact list in workspace {workspace}; there {_are(known)}: `contact_lists:` of a file for "
            "`stitchline apply` makes them"
        )
    return found


def mailers_for(mailers: Mapping[str, Mailer], listed: ContactList) -> frozenset[str]:
    """Those of its workspace and channel."""
    return frozenset(
        each.mailer
        for each in mailers.values()
        if each.workspace == listed.workspace and _CHANNEL_OF[each.channel] == listed.channel
    )


def fact_of(stated: Stated, into: Into) -> ContactFact:
    """Raises BadChange. What is said to lie in the future counts as of now: a time is never later than its receipt."""
    try:
        address = kept_address(into.list.channel, stated.address, into.region)
    except NotAnAddress as error:
        raise BadChange(f"{into.list.channel}: {error}") from None
    if stated.mailer and stated.mailer not in into.mailers:
        raise BadChange(f"mailer: no such mailer for addresses of channel {into.list.channel}")
    return ContactFact(
        workspace=into.list.workspace,
        list=into.list.list,
        list_kind=into.list.kind,
        channel=into.list.channel,
        address=address,
        contact=0,  # the agent has the hash key
        change=stated.change,
        time=min(_moment(stated.at), into.now) if stated.at else into.now,
        mailer=stated.mailer,
        origin=into.origin,
    )


def fact_records(facts: Iterable[ContactFact], partitions: int, per_message: int) -> Iterator[OutputRecord]:
    """By the partition of the address, many in a message."""
    found: dict[int, list[ContactFact]] = {}
    keys: dict[int, bytes] = {}
    for fact in facts:
        key = contact_key(fact.workspace, fact.channel, fact.address)
        place = partition_of(key, partitions)
        found.setdefault(place, []).append(fact)
        keys.setdefault(place, key)
    for place, some in sorted(found.items()):
        for start in range(0, len(some), per_message):
            value = encode_contact_facts(some[start : start + per_message])
            yield OutputRecord(CONTACTS_FACTS.name, place, keys[place], value)


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text.strip())
        since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    except (ValueError, OverflowError):
        raise BadChange("at: expected an instant in ISO 8601, such as 2026-10-01T00:00:00Z") from None
    milliseconds = since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
    if milliseconds < 0:
        raise BadChange("at: a time before 1970 is none that anything happened at")
    return milliseconds


def _are(known: list[str]) -> str:
    return f"are {', '.join(known)}" if known else "is none at all"
