"""The way from an identifier up to its profile, step by step, each with the event that stated it.

A step that no event stated is *derived*: some identifier with less authority is linked to both, and the two links that it
follows from are told with it, in turn with theirs. Authority rises with each, so this ends.
"""

from collections.abc import Iterator

import msgspec

from processors.events.authority import is_anonymous, rank
from processors.events.times import TIME_MAX
from processors.identity.facts import ASSERTED, CLAIMED
from processors.identity.settled import Link, Settled, Tenure
from processors.identity.stored import StoredEvent
from processors.identity.timeline import Epoch, epochs, for_ownership


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """`low` is `high`'s. Either an event stated it, or it `follows` from two others. From a contested device it holds
    from `since` (ms, inclusive) until `until` (exclusive)."""

    low: bytes
    high: bytes
    strength: int
    time: int
    event: StoredEvent | None = None
    follows: tuple["Step", ...] = ()
    since: int = 0
    until: int = TIME_MAX

    def all(self) -> Iterator["Step"]:
        """Itself, and everything that it follows from."""
        yield self
        for step in self.follows:
            yield from step.all()


def steps_up(settled: Settled, node: bytes, tenure: Tenure) -> list[Step]:
    """From a node to its root, in one of its tenures."""
    if tenure.owner == node:
        return []
    first = step_to_owner(settled, node, tenure)
    chain = settled.chain(tenure.owner)
    rest = [step_to_owner(settled, low, settled.tenures(low)[0]) for low in chain[:-1]]
    return [first, *rest]


def step_to_owner(settled: Settled, node: bytes, tenure: Tenure) -> Step:
    if is_anonymous(node):
        counted = for_ownership(settled.timeline(node))
        time = next(at for at, target, _ in counted if target == tenure.owner and at >= tenure.since)
        claim = claim_step(settled, node, tenure.owner, time)
        return msgspec.structs.replace(claim, since=tenure.since, until=tenure.until)
    link = settled.best(node, tenure.owner)
    assert link is not None
    return step_of(settled, node, link)


def step_of(settled: Settled, node: bytes, link: Link) -> Step:
    """A link of a node, stated or derived."""
    if (node, link.target, link.strength, link.time) in settled.origins:
        return stated_step(settled, node, link)
    said = [
        derivation.via
        for derivation in settled.heard[node]
        if derivation.targets.get(link.target) == (link.time, link.strength)
    ]
    via = min(said, key=rank)
    follows = _from_device if is_anonymous(via) else _from_strong
    return Step(
        low=node,
        high=link.target,
        strength=link.strength,
        time=link.time,
        follows=follows(settled, via, node, link),
    )


def stated_step(settled: Settled, node: bytes, link: Link) -> Step:
    event = settled.origins[node, link.target, link.strength, link.time]
    return Step(low=node, high=link.target, strength=link.strength, time=link.time, event=event)


def _from_strong(settled: Settled, via: bytes, node: bytes, link: Link) -> tuple[Step, ...]:
    links = [settled.best(via, target) for target in (node, link.target)]
    return tuple(step_of(settled, via, each) for each in links if each is not None)


def _from_device(settled: Settled, via: bytes, node: bytes, link: Link) -> tuple[Step, ...]:
    """Both claims stand in one epoch of the device."""
    for epoch in epochs_of(settled, via):
        members = dict(epoch.values())
        if {node, link.target} <= members.keys() and max(members[node], members[link.target]) == link.time:
            return tuple(claim_step(settled, via, target, members[target]) for target in (node, link.target))
    raise AssertionError("a device derives within an epoch only")


def epochs_of(settled: Settled, device: bytes) -> list[Epoch]:
    return list(epochs(settled.timeline(device)))


def claim_step(settled: Settled, device: bytes, target: bytes, time: int) -> Step:
    """The claim of that moment; when it was asserted as well, that counts."""
    strength = ASSERTED if (device, target, ASSERTED, time) in settled.origins else CLAIMED
    return stated_step(settled, device, Link(strength, time, target))
