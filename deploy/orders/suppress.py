"""`stitchline suppress ID`: this is no identifier, now and for ever: an address of the shop itself, a kiosk, a test account.

Retroactive: everybody who is linked to it is cut off from it. These cuts are not kept on `control`: a later generation is given
the suppression before any event, so that nobody is ever linked to it there. Deliberately absent: a way back.
"""

from collections.abc import Sequence

import msgspec

from deploy.identifiers.ids import Id, key_of
from deploy.orders.giving import Giver
from deploy.orders.people import TooMany
from deploy.orders.tables import Tables
from schemas.control import ControlState
from schemas.identity.identifiers import partition_hash
from schemas.identity.order_documents import Addressed, hex_of
from schemas.identity.orders import Suppress, Unlink

DONE = "suppressed/"  # of a suppression that holds everywhere


class Suppressed(msgspec.Struct, frozen=True):
    """The identifier's node, and how many others were linked to it or may have been."""

    node: str
    cut_off: int


def suppress(giver: Giver, tables: Tables, found: Id, nodes_max: int) -> Suppressed:
    """Raises TooMany and what the giver raises."""
    others = _others(tables, found.node)
    if len(others) > nodes_max:
        raise TooMany(f"{found} is linked to more than {nodes_max} identifiers: raise ORDER_NODES_MAX")
    known = {
        each.node: partition_hash(key_of(tables.workspace, each.kind, each.value))
        for each in tables.values_of(others)
    }
    by = f"suppress/{hex_of(found.node)}"
    order = Addressed(Suppress(found.node), partition_hash(found.key), by)
    cuts = [Addressed(Unlink(node, found.node), known.get(node), by) for node in others]
    giver.give([order], by, unkept=cuts)
    told = Suppressed(hex_of(found.node), len(others))
    giver.write({DONE + hex_of(found.node): msgspec.json.encode(told)}, by)
    return told


def missing(state: ControlState, wanted: Sequence[Id]) -> list[Id]:
    """Those that are not suppressed yet, or whose suppression was cut off."""
    return [each for each in wanted if DONE + hex_of(each.node) not in state.documents]


def _others(tables: Tables, node: int) -> list[int]:
    linked = {row.node for row in tables.pointers_to([node])}
    mentioned = {other for together in tables.company_of([node]) for other in together.kinds}
    return sorted((linked | mentioned) - {node})
