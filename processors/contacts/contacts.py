"""What is known of one address: on which lists it stands, by the latest change of each. Pure.

A function of the set of facts: of one list the latest change by its time counts, of two at one moment the taking off. Who
was never put on a list is on none of it, whatever was said of taking off. What somebody is forgotten for stays
forgotten: facts of that time change no contact list any more. An opt-out outlives it, as a hash without the address
(docs/privacy.md).
"""

import msgspec

from schemas.contacts.contact_facts import ADDED, DELETED, ContactFact

OPT_OUT = "opt_out"
NEVER = -1
FOR_EVER = (1 << 63) - 1

Rank = tuple[int, bool, str, str]


class Membership(msgspec.Struct, array_like=True, frozen=True):
    """Of one list: the change that counts. `was_added`: anybody ever put the address on it. `version` grows with all that
    others see; 0: they have seen nothing yet."""

    list_kind: str
    channel: str
    change: str
    time: int
    mailer: str
    origin: str
    address: str
    was_added: bool
    version: int = 0

    @property
    def rank(self) -> Rank:
        return _rank(self.time, self.change, self.mailer, self.origin)


class ContactState(msgspec.Struct, array_like=True, frozen=True):
    """`lists` by name. `forgotten_until`: what was up to that moment (ms, inclusive) is forgotten."""

    workspace: str
    forgotten_until: int = NEVER
    lists: dict[str, Membership] = {}


def with_fact(known: ContactState, fact: ContactFact) -> ContactState:
    """The same object when the fact changes nothing."""
    is_forgotten = fact.time <= known.forgotten_until
    if is_forgotten and fact.list_kind != OPT_OUT:
        return known
    before = known.lists.get(fact.list)
    after = _joined(before, fact, "" if is_forgotten else fact.address)
    if after == before:
        return known
    after = _seen(before, after)
    return msgspec.structs.replace(known, workspace=fact.workspace, lists=known.lists | {fact.list: after})


def is_fired(before: ContactState, after: ContactState, fact: ContactFact) -> bool:
    """Whether the fact changed the list for others: the address came on it, or went off it; and there is one to tell of it."""
    now = after.lists.get(fact.list)
    was = before.lists.get(fact.list)
    if now is None or not now.address or not now.was_added:
        return False
    stood = was is not None and was.was_added and was.change == ADDED
    return (now.change == ADDED) != stood


def forgotten(known: ContactState, until: int) -> ContactState:
    """Up to that moment: off all contact lists, and on opt-out lists without an address."""
    until = max(until, known.forgotten_until)
    lists = {
        name: _seen(each, _forgotten(each)) if each.time <= until else each
        for name, each in known.lists.items()
    }
    return msgspec.structs.replace(known, forgotten_until=until, lists=lists)


def _forgotten(membership: Membership) -> Membership:
    change = membership.change if membership.list_kind == OPT_OUT else DELETED
    return msgspec.structs.replace(membership, change=change, address="", mailer="")


def _joined(before: Membership | None, fact: ContactFact, address: str) -> Membership:
    was_added = fact.change == ADDED or (before is not None and before.was_added)
    if before is not None and before.rank >= _rank(fact.time, fact.change, fact.mailer, fact.origin):
        return msgspec.structs.replace(before, was_added=was_added)
    return Membership(
        list_kind=fact.list_kind,
        channel=fact.channel,
        change=fact.change,
        time=fact.time,
        mailer=fact.mailer,
        origin=fact.origin,
        address=address,
        was_added=was_added,
        version=before.version if before else 0,
    )


def _seen(before: Membership | None, after: Membership) -> Membership:
    """With its next version, if others see a difference."""
    if not after.was_added or after == before:
        return after
    return msgspec.structs.replace(after, version=after.version + 1)


def _rank(time: int, change: str, mailer: str, origin: str) -> Rank:
    return time, change == DELETED, mailer, origin
