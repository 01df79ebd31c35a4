"""The profile of an event, as far as it is known when the event passes: what `profile_id` on `events.resolved` says.

The subject is the event's own user id, where it has one; an anonymous subject stands for whoever had it at the event's time, as
its own events have told this partition. From there the pointers of other nodes lead to the root (an e-mail or a contact to
its user, a user id to the one that took its place), as far as `owners` knows them.

A hint: what comes later changes who somebody is, and never this stamp. Whoever needs the present asks `identity.pointers`
or ClickHouse (docs/profile_changes.md).
"""

from schemas.stream import Owners

HOPS_MAX = 32  # kinds of identifiers and an alias chain of 16 take fewer; pointers of different ages could lead in a circle


def device_root(device: int, owner: int, owners: Owners) -> int:
    """Of an anonymous id that was `owner`'s, as its own events say.

    That it points to itself again is known only when a link was taken back, which its own events do not tell.
    """
    return device if owners(device) == device else root(owner, owners)


def root(node: int, owners: Owners) -> int:
    """Where the chain of owners ends, or is not known any further."""
    hops = 0
    while (owner := owners(node)) is not None and owner != node and hops < HOPS_MAX:
        node = owner
        hops += 1
    return node
