"""Changes of lists of contacts, as agent `triggers` meets them: the events that tell of one, and the events that make one. Pure.

`Contact Added` and `Contact Deleted` count when they are our own (schemas/contacts/contact_mark.py). One that a client made up is
an event like any other: it fires no rule of contacts and changes no list.
"""

from collections.abc import Iterable
from typing import Any

from processors.rules.rule_compiling import CONTACT_EVENTS, Listed
from processors.rules.rule_events import encoded_event
from processors.rules.rule_hops import hops_of
from processors.rules.rule_paths import Place, getter
from processors.rules.rule_view import EventView
from schemas.contacts.contact_addresses import address_or_none, addresses_of, contact_node
from schemas.contacts.contact_facts import ContactFact
from schemas.contacts.contact_mark import ID_PREFIX, ContactChange, change_of
from schemas.events.rule_event import RuleEvent, decode_rule_event
from schemas.segments.segment_columns import is_commerce

HOPS_MAX = 5  # a list that is changed by changes of lists that are changed ..: no further

_NAMES = frozenset(CONTACT_EVENTS.values())
_OBJECTS = ("traits", "context")  # whose paths an address may have, beside what filters read


class Changes:
    """`region`: the country whose phone numbers are written without its code, "" for none."""

    def __init__(self, hash_key: bytes, region: str = "") -> None:
        self._hash_key = hash_key
        self._region = region

    def genuine(self, view: EventView) -> ContactChange | None:
        """The change that an event tells of, if it is our own."""
        record = view.record
        if not record["message_id"].startswith(ID_PREFIX) or record["event"] not in _NAMES:
            return None
        return change_of(_event(view), record["workspace"], self._hash_key)

    def facts(
        self, view: EventView, lists: Iterable[Listed], change: ContactChange | None
    ) -> tuple[ContactFact, ...]:
        """What an event does to lists whose selection it fulfils. A bot changes none: it follows every link of a mail."""
        record = view.record
        hops = hops_of(view.parsed("context"))
        if record["event"] in _NAMES:
            hops += 1
            if change is None or hops > HOPS_MAX:
                return ()
        if record["device"]["is_bot"]:
            return ()
        event = _event(view)
        found = (self._fact(view, each, event, hops) for each in lists)
        return tuple(fact for fact in found if fact is not None)

    def _fact(self, view: EventView, listed: Listed, event: RuleEvent, hops: int) -> ContactFact | None:
        record, of = view.record, listed.list
        address = self._address(view, listed, event)
        if not address:
            return None
        mailer = _at(view, listed.by.mailer, listed)
        return ContactFact(
            workspace=of.workspace,
            list=of.list,
            list_kind=of.kind,
            channel=of.channel,
            address=address,
            contact=contact_node(of.workspace, of.channel, address, self._hash_key),
            change=listed.change,
            time=min(record["timestamp"], record["received_at"]),
            mailer=mailer if isinstance(mailer, str) else "",
            source=record["source"],
            hops=hops,
        )

    def _address(self, view: EventView, listed: Listed, event: RuleEvent) -> str:
        channel = listed.list.channel
        if listed.by.address:
            return address_or_none(channel, _at(view, listed.by.address, listed), self._region)
        return next(iter(addresses_of(event, self._region).of(channel)), "")


def _event(view: EventView) -> RuleEvent:
    return decode_rule_event(encoded_event(view.record))


def _at(view: EventView, path: str, listed: Listed) -> Any:
    """What is at a path of the event, of its traits or of its context."""
    head, _, rest = path.partition(".")
    if head in _OBJECTS and rest:
        found: Any = view.parsed(head)
        for key in rest.split("."):
            found = found.get(key) if isinstance(found, dict) else None
        return found
    return getter(path, Place(is_commerce=is_commerce(listed.by.event)))(view, None)
