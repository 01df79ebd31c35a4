"""One rule, compiled: which events it asks for, in which role, and what of an event decides. Pure.

Deliberately absent: which of the rules that ask for an event fire (rule_matching.py): levels, switches and conditions.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import msgspec

from processors.rules.rule_filters import (
    Check,
    filters_check,
    names_of,
    selection_check,
    types_of,
)
from processors.rules.rule_view import EventView
from schemas.contacts.contact_lists import ContactList, ListedBy
from schemas.events.candidates import EVENT as CART_ABANDONED
from schemas.rules.rule_facts import ENDS, FIRES, STARTS, STATES
from schemas.rules.rules import Rule, SourceTrigger, version_of
from schemas.segments.segments import Selection

Title: TypeAlias = tuple[str, str]
CONTACT_EVENTS = {"added": "Contact Added", "deleted": "Contact Deleted"}
IDENTIFY = "identify"
_TOUCH_FIELDS = {"channels": "channel", "sources": "source", "mediums": "medium", "campaigns": "campaign"}


class Asked(msgspec.Struct, frozen=True):
    """Events of these titles, whose `check` holds, are what a rule asks for. `role`: what they are to it (rule_facts.py)."""

    rule: "CompiledRule"
    role: int
    titles: tuple[Title, ...]
    check: Check
    of_visits: bool = False  # any event that begins a visit


class CompiledRule:
    """`conditions`: of the event. `switch`: see rule_index.py."""

    __slots__ = ("asks", "conditions", "consent", "kind", "rule", "switch", "takes_bots", "trait", "version")

    def __init__(self, rule: Rule, switch: str) -> None:
        self.rule, self.switch = rule, switch
        self.version = version_of(rule)
        self.kind = rule.trigger.kind
        self.trait = rule.trigger.trait.name if rule.trigger.trait is not None else ""
        self.consent = frozenset(rule.conditions.consent)
        self.takes_bots = rule.conditions.bots == "include"
        self.conditions = filters_check(rule.conditions.where, _names(rule))
        self.asks = tuple(_asks(self))


class Listed(msgspec.Struct, frozen=True):
    """Events that put an address on a list (`change` "added"), or take it off ("deleted")."""

    list: ContactList
    by: ListedBy
    change: str
    titles: tuple[Title, ...]
    check: Check


def compile_rule(rule: Rule, switch: str) -> CompiledRule:
    """Raises ValueError, or what an operator raises for a value that it cannot have."""
    return CompiledRule(rule, switch)


def listed(of: ContactList) -> Iterator[Listed]:
    for change, entries in (("added", of.added_by), ("deleted", of.deleted_by)):
        for by in entries:
            yield Listed(of, by, change, _titles(by), selection_check(by))


def _names(rule: Rule) -> list[str]:
    """Of the events that the conditions are asked of, which decide what short names of ecommerce mean."""
    trigger = rule.trigger
    if trigger.event is not None:
        return list(names_of(trigger.event))
    if trigger.absence is not None:
        return list(names_of(trigger.absence.after))
    if trigger.pixel is not None:
        return [trigger.pixel.event]
    return [CART_ABANDONED] if trigger.cart_abandoned is not None else []


def _asks(rule: CompiledRule) -> Iterator[Asked]:
    yield from _KINDS.get(rule.kind, _nothing)(rule)


def _nothing(_: CompiledRule) -> Iterator[Asked]:
    yield from ()


def _event(rule: CompiledRule) -> Iterator[Asked]:
    selected = rule.rule.trigger.event
    assert selected is not None
    yield _selected(rule, selected, FIRES)


def _absence(rule: CompiledRule) -> Iterator[Asked]:
    """What ends it comes before what starts it: of an event that is both, the wait begins anew."""
    absence = rule.rule.trigger.absence
    assert absence is not None
    yield _selected(rule, absence.of, ENDS)
    yield _selected(rule, absence.after, STARTS)


def _selected(rule: CompiledRule, selected: Selection, role: int) -> Asked:
    return Asked(rule, role, _titles(selected), selection_check(selected))


def _titles(selected: Selection) -> tuple[Title, ...]:
    return tuple((type, name) for type in types_of(selected) for name in names_of(selected))


def _pixel(rule: CompiledRule) -> Iterator[Asked]:
    pixel = rule.rule.trigger.pixel
    assert pixel is not None
    source, check = pixel.source, filters_check(pixel.where, pixel.event)
    titles = (("track", pixel.event),)
    yield Asked(rule, FIRES, titles, lambda view, at: view.record["source"] == source and check(view, at))


def _cart(rule: CompiledRule) -> Iterator[Asked]:
    cart = rule.rule.trigger.cart_abandoned
    assert cart is not None
    yield Asked(rule, FIRES, (("track", CART_ABANDONED),), filters_check(cart.where, CART_ABANDONED))


def _source(rule: CompiledRule) -> Iterator[Asked]:
    source = rule.rule.trigger.source
    assert source is not None
    yield Asked(rule, FIRES, (), _came_by(source), of_visits=True)


def _came_by(source: SourceTrigger) -> Check:
    wanted = {
        field: frozenset(getattr(source, name))
        for name, field in _TOUCH_FIELDS.items()
        if getattr(source, name)
    }

    def check(view: EventView, _: int) -> bool:
        """The event's own touch has its texts whole; a visit keeps the beginning of each."""
        touch: dict[str, Any] = view.record["touch"]
        if not touch["channel"]:
            touch = view.record["visit"]["touch"]
        return all(touch[field] in names for field, names in wanted.items())

    return check


def _trait(rule: CompiledRule) -> Iterator[Asked]:
    head = rule.trait.partition(".")[0]
    yield Asked(rule, STATES, ((IDENTIFY, ""),), lambda view, _: head in view.parsed("traits"))


def _contact(rule: CompiledRule) -> Iterator[Asked]:
    """Whether the event is a genuine one is asked where it is matched."""
    contact = rule.rule.trigger.contact
    assert contact is not None
    channel = contact.channel

    def check(view: EventView, _: int) -> bool:
        return channel is None or view.parsed("properties").get("channel") == channel

    yield Asked(rule, FIRES, (("track", CONTACT_EVENTS[contact.change]),), check)


_KINDS: dict[str, Callable[[CompiledRule], Iterator[Asked]]] = {
    "event": _event,
    "pixel": _pixel,
    "source": _source,
    "cart_abandoned": _cart,
    "trait": _trait,
    "contact": _contact,
    "absence": _absence,
}
