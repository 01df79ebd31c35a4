"""`stitchline unlink A B`: these two are never one person because of a link between them, whatever events state.

Only a link between just the two can be cut. Where they are one person through others, the way is told, and every pair on it is
one that can be cut. History follows by itself: events stay where they are, and the pointers change.
"""

import shlex
from itertools import pairwise

import msgspec

from deploy.identifiers.ids import Id
from deploy.orders.events import are_stated
from deploy.orders.giving import Giver
from deploy.orders.people import Pointer, above, way
from deploy.orders.tables import Tables
from processors.events.authority import rank
from schemas.identity.identifiers import partition_hash
from schemas.identity.order_documents import Addressed, hex_of, key_of
from schemas.identity.orders import Unlink


class NotLinked(Exception):
    """Nothing links just these two; the text says what does, if anything."""


class Unlinked(msgspec.Struct, frozen=True, kw_only=True):
    """`still_one_person_by`: the way from one to the other that is left, pair by pair; empty when they are apart."""

    node: str
    target: str
    document: str
    still_one_person_by: list[list[str]]


def unlink(giver: Giver, tables: Tables, one: Id, other: Id) -> Unlinked:
    """Raises NotLinked and what the giver raises."""
    if one.node == other.node:
        raise NotLinked(f"{one} and {other} are the same identifier")
    target, node = sorted((one, other), key=lambda each: rank(each.key))
    order = Unlink(node.node, target.node)
    document = key_of(order)
    if document not in giver.control().documents:
        _require_link(tables, node, target)
    giver.give([Addressed(order, partition_hash(node.key), document.replace("order/", "", 1))], document)
    return Unlinked(
        node=str(node),
        target=str(target),
        document=document,
        still_one_person_by=_pairs(tables, way(node.node, target.node, _rows(tables, node, target))),
    )


def _require_link(tables: Tables, node: Id, target: Id) -> None:
    rows = _rows(tables, node, target)
    is_pointed = any(row.node == node.node and target.node in {*row.owners, *row.conflicts} for row in rows)
    if is_pointed or are_stated(tables, node.node, target.node):
        return
    pairs = _pairs(tables, way(node.node, target.node, rows))
    if not pairs:
        raise NotLinked(f"{node} and {target} are not one person, and nothing links them")
    raise NotLinked(
        f"{node} and {target} are one person only through others. Each of these would cut the way: {choices(pairs)}"
    )


def choices(pairs: list[list[str]]) -> str:
    """Commands as they can be copied: strangers choose identifiers, and a shell must take them as nothing but that."""
    return "; ".join(shlex.join(["stitchline", "unlink", low, high]) for low, high in pairs)


def _rows(tables: Tables, node: Id, target: Id) -> list[Pointer]:
    return above([node.node, target.node], tables.pointers_of)


def _pairs(tables: Tables, nodes: list[int]) -> list[list[str]]:
    """Neighbours on the way, as they can be typed."""
    names = {each.node: f"{each.kind}:{each.value}" for each in tables.values_of(nodes)}
    told = [names.get(node, hex_of(node)) for node in nodes]
    return [list(pair) for pair in pairwise(told)]
