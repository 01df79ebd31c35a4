"""One cart: what is in it, and when it was last touched, as a function of the set of its events.

Kept are the events that still say something: after the last order, from the last view of the whole cart on, the latest
`ENTRIES_MAX`. Each of the three can be applied after any part of the events, so neither order nor repetition changes the result.
An order ends what is in the cart; what comes after it is the same cart's next round.

Deliberately absent: whose the cart is beyond the visitor, and whether the person has ordered elsewhere: whoever acts on an
abandoned cart asks that when it acts.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from processors.commerce.commerce_facts import ADDED, MICRO, ORDERED, REMOVED, VIEWED, CartFact, Line

ENTRIES_MAX = 128  # additions and removals since the last view of the whole cart
SUBJECTS_MAX = 16  # who touched it; the first ones are kept, so that forgetting one of them finds it
KEPT_MS = (
    30 * 86_400_000
)  # a cart that nobody touches or tells of for so long is forgotten; ClickHouse keeps what it was
NEVER = 0

ONE = int(MICRO)


class Entry(msgspec.Struct, array_like=True, frozen=True, order=True):
    """One event about the content."""

    time: int
    message: int
    kind: int
    lines: list[Line]


class CartState(msgspec.Struct, array_like=True, frozen=True):
    """`visitor`, `source`, `subject` and `message` are of the last activity; a cart without an id has one visitor from the
    first event on. `fired_at` is the activity after which it became a candidate; `timed_at`: for when it stands in a list of
    timers; `told_at`: when an event last changed it, so that what is imported late is kept while it comes."""

    workspace: str
    cart_id: str
    visitor: int
    version: int = 1
    changes: int = 0
    active_at: int = NEVER
    message: int = 0
    source: str = ""
    subject: int = 0
    subjects: tuple[int, ...] = ()
    ordered_at: int = NEVER
    fired_at: int = NEVER
    timed_at: int = NEVER
    told_at: int = NEVER
    entries: tuple[Entry, ...] = ()

    @property
    def is_waiting(self) -> bool:
        """Touched since it was ordered and since it was last a candidate."""
        return self.active_at > max(self.ordered_at, self.fired_at)

    @property
    def touched_at(self) -> int:
        return max(self.active_at, self.ordered_at)


def with_fact(state: CartState, fact: CartFact) -> CartState:
    after = _with(state, fact)
    return state if after == state else changed(after)


def changed(state: CartState, **fields: Any) -> CartState:
    """Counted, so that the number does not tell how chunks were cut."""
    return msgspec.structs.replace(state, changes=state.changes + 1, **fields)


def without(state: CartState, since: int, until: int) -> CartState:
    """Without what was said of its content from `since` to `until`, both inclusive."""
    kept = tuple(entry for entry in state.entries if not since <= entry.time <= until)
    return state if len(kept) == len(state.entries) else changed(state, entries=kept)


def _with(state: CartState, fact: CartFact) -> CartState:
    subjects = state.subjects
    if fact.subject not in subjects and len(subjects) < SUBJECTS_MAX:
        subjects = (*subjects, fact.subject)
    if fact.kind == ORDERED:
        ordered_at = max(state.ordered_at, fact.time)
        entries = _kept(state.entries, ordered_at)
        return msgspec.structs.replace(state, subjects=subjects, ordered_at=ordered_at, entries=entries)
    entries = state.entries
    if fact.lines and not any((entry.time, entry.message) == (fact.time, fact.message) for entry in entries):
        added = Entry(fact.time, fact.message, fact.kind, fact.lines)
        entries = _kept((*entries, added), state.ordered_at)
    if (fact.time, fact.message) <= (state.active_at, state.message):
        return msgspec.structs.replace(state, subjects=subjects, entries=entries)
    return msgspec.structs.replace(
        state,
        subjects=subjects,
        entries=entries,
        visitor=fact.visitor,
        active_at=fact.time,
        message=fact.message,
        source=fact.source,
        subject=fact.subject,
    )


def _kept(entries: Iterable[Entry], ordered_at: int) -> tuple[Entry, ...]:
    later = sorted(entry for entry in entries if entry.time > ordered_at)
    views = [place for place, entry in enumerate(later) if entry.kind == VIEWED]
    return tuple(later[views[-1] if views else 0 :][-ENTRIES_MAX:])


def content(state: CartState) -> list[Line]:
    """What is in it, in the order in which it was put there. A removal without a number takes all of that product."""
    found: dict[str, Line] = {}
    for entry in state.entries:
        if entry.kind == VIEWED:
            found = {}
        for line in entry.lines:
            _apply(found, entry.kind, line)
    return list(found.values())


def _apply(found: dict[str, Line], kind: int, line: Line) -> None:
    had = found.get(line.product)
    before = had.quantity or 0 if had else 0
    if kind == REMOVED:
        left = before - line.quantity if line.quantity is not None else 0
        if had is None or left <= 0:
            found.pop(line.product, None)
        else:
            found[line.product] = msgspec.structs.replace(had, quantity=left)
        return
    quantity = ONE if line.quantity is None else max(line.quantity, 0)
    added = before + quantity if kind in (ADDED, VIEWED) else before
    merged = _merged(had, line) if had else line
    found[line.product] = msgspec.structs.replace(merged, quantity=added)


def _merged(had: Line, line: Line) -> Line:
    """What the later one leaves out stands as it was."""
    return msgspec.structs.replace(
        line,
        name=line.name or had.name,
        variant=line.variant or had.variant,
        currency=line.currency or had.currency,
        price=had.price if line.price is None else line.price,
    )


def currency_of(lines: Iterable[Line]) -> str:
    """The one that the value is in: the first that a price has."""
    return next((line.currency for line in lines if line.price is not None and line.currency), "")


def value_of(lines: Iterable[Line]) -> int | None:
    """In millionths of the cart's currency, of what has a price in it; None when nothing has."""
    lines = list(lines)
    currency = currency_of(lines)
    priced = [line for line in lines if line.price is not None and line.currency in ("", currency)]
    if not priced:
        return None
    return sum((line.price or 0) * (line.quantity or 0) // ONE for line in priced)
