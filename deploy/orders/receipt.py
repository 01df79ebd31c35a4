"""What a forgetting did, as data without a personal datum: nodes by their hashes, numbers of rows, times. Pure.

The same document is printed and kept on `control`.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from deploy.orders.plan import Plan
from schemas.identity.order_documents import hex_of

BEGUN, DONE, DRY = "begun", "done", "would be done"
NODES_LISTED_MAX = 1_000  # their orders are on control, one document each


class Part(msgspec.Struct, frozen=True):
    """What was erased of a device that is also somebody else's; both ends inclusive."""

    node: str
    since: str
    until: str


class Copies(msgspec.Struct, frozen=True):
    """A Kafka topic that holds what was sent before. `until` None: see `what`."""

    topic: str
    what: str
    until: str | None


class Residue(msgspec.Struct, frozen=True):
    """Rows of one column that hold one identifier of the person, who is named by the node alone."""

    table: str
    column: str
    rows: int
    node: str
    why: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """`completes` names forgettings of the same person that were begun before and are done again with this one."""

    state: str
    forgotten: str
    until: str
    workspace: str
    completes: list[str] = []
    nodes: list[str] = []
    nodes_more: int = 0
    shared: list[Part] = []
    orders: dict[str, int] = {}
    deleted: dict[str, int] = {}
    stated_again: int = 0
    copies: list[Copies] = []
    left: list[Residue] = []
    searched_for: int = 0


def begun(workspace: str, plans: list[Plan], state: str) -> Receipt:
    """As far as the plans say it; the last one is the newest."""
    nodes = sorted({node for plan in plans for node in plan.nodes})
    parts = {erase for plan in plans for erase in plan.erasures if erase.node not in set(nodes)}
    return Receipt(
        state=state,
        forgotten=plans[-1].by,
        until=iso(plans[-1].until),
        workspace=workspace,
        completes=[plan.by for plan in plans[:-1]],
        nodes=[hex_of(node) for node in nodes[:NODES_LISTED_MAX]],
        nodes_more=max(0, len(nodes) - NODES_LISTED_MAX),
        shared=[
            Part(hex_of(erase.node), iso(erase.since), iso(erase.until))
            for erase in sorted(parts, key=lambda each: (each.node, each.since, each.until))
        ],
        orders=_kinds(plans),
    )


def iso(milliseconds: int) -> str:
    """The latest time that can be written, for one that cannot."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return datetime.max.replace(tzinfo=UTC).isoformat(timespec="milliseconds")


def copies(expiring_ms: Mapping[str, int], compacted_ms: Mapping[str, int], now_ms: int) -> list[Copies]:
    """By topic how long Kafka keeps a record, or a value that was replaced; -1: nothing says so."""
    return [
        Copies(topic, what, iso(now_ms + kept) if kept >= 0 else None)
        for kept_ms, what in ((expiring_ms, EXPIRES), (compacted_ms, COMPACTED))
        for topic, kept in kept_ms.items()
    ]


EXPIRES = "records as they were sent; deleted by time, with the whole segment that they are in"
COMPACTED = "keys are hashes; values that were replaced may name identifiers until Kafka compacts them away"


def _kinds(plans: Iterable[Plan]) -> dict[str, int]:
    found: dict[str, int] = {}
    for plan in plans:
        for each in plan.orders:
            kind = type(each.order).__name__.lower()
            found[kind] = found.get(kind, 0) + 1
    return found
