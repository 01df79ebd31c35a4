"""`stitchline forget ID`: everything about one person up to a moment, out of state and tables, and out of what may come again.

1. Who: the identifiers that are one person now, and those whose link to one of them lost. Written down on `control` with their
   orders before anything happens, so that a run that was cut off is completed by the next, with its own moment.
2. Orders, until they hold everywhere: from then on nothing of it is stored or linked again, whatever is sent again.
3. Links that later events stated, told again: forgetting took them away where they had been folded into earlier ones.
4. Rows, until they are gone; a search for what is left; the receipt.

Deliberately absent: rewriting events that are somebody else's. The receipt says where such an event names the person.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from deploy.identifiers.ids import Id, key_of
from deploy.orders.deletion import announce, delete, would_delete
from deploy.orders.events import facts_after
from deploy.orders.giving import Giver
from deploy.orders.people import Person, Pointer, only_owner, person, root_of
from deploy.orders.plan import Plan, earlier, plan
from deploy.orders.receipt import BEGUN, DONE, DRY, Copies, Receipt, begun
from deploy.orders.residue import search
from deploy.orders.tables import Named, Tables
from processors.identity.facts import Fact, encode_facts
from schemas.identity.identifiers import partition_hash, partition_of
from schemas.identity.order_documents import Addressed, orders_in, outdated
from schemas.identity.orders import Suppress
from schemas.stream import OutputRecord
from schemas.topics import IDENTITY_FACTS


class SharedDevice(Exception):
    """The identifier is a device that several people used; the text names them."""


class Wish(msgspec.Struct, frozen=True):
    """`until` in ms, inclusive; `is_suppressed`: none of these identifiers is ever one again."""

    until: int
    is_suppressed: bool


class Tools(msgspec.Struct, frozen=True):
    """What the command works with; `copies` says which topics hold what was sent before."""

    giver: Giver
    tables: Tables
    nodes_max: int
    copies: Callable[[], list[Copies]]


def forget(tools: Tools, wanted: Id, wish: Wish, *, is_dry: bool) -> Receipt:
    """Do it, or say what would be done. Raises what the tools raise, SharedDevice and TooMany."""
    given = list(orders_in(tools.giver.control().documents))
    plans = earlier(wanted.node, given)
    if fresh := _fresh(tools, wanted, wish, given, is_first=not plans):
        plans.append(fresh)
    values = _values(tools.tables, wanted, plans)
    if is_dry:
        told = begun(wanted.workspace, plans, DRY)
        return msgspec.structs.replace(told, deleted=would_delete(tools.tables, plans, values))
    announce(tools.tables, plans)
    orders = [each for plan in plans for each in plan.orders]
    started = _documents(plans, begun(wanted.workspace, plans, BEGUN))
    late = set(outdated(orders, given))
    kept = [each for each in orders if each not in late]
    tools.giver.give(kept, plans[-1].by, beside=started, unkept=[each for each in orders if each in late])
    stated = _state_again(tools, plans)
    receipt = _deleted(tools, plans, values, begun(wanted.workspace, plans, DONE))
    receipt = msgspec.structs.replace(receipt, stated_again=stated)
    tools.giver.write(_documents(plans, receipt), receipt.forgotten)
    return receipt


def _fresh(
    tools: Tools, wanted: Id, wish: Wish, given: Sequence[Addressed], *, is_first: bool
) -> Plan | None:
    """What is to be forgotten now; nothing where an earlier forgetting has left nothing to a later one."""
    tables = tools.tables
    who = _person(tools, root_of(wanted.node, tables.pointers_of), wanted)
    known = {each.node: partition_hash(_key(tables, each)) for each in tables.values_of(_all(who))}
    made = plan(
        who,
        tables.company_of(who.nodes),
        wish.until,
        known | {wanted.node: partition_hash(wanted.key)},
        suppress=wish.is_suppressed,
    )
    is_news = len(made.erasures) > 1 or any(would_delete(tables, [made], ()).values())
    blocked = {each.order.node for each in given if isinstance(each.order, Suppress)}
    is_news = is_news or (wish.is_suppressed and not made.nodes <= blocked)
    return made if is_first or is_news else None


def _person(tools: Tools, root: Pointer, wanted: Id) -> Person:
    one = only_owner(root, tools.tables.pointers_of) if root.segments else root.node
    if one is None:
        named = ", ".join(f"{each.kind}:{each.value}" for each in tools.tables.values_of(sorted(root.owners)))
        raise SharedDevice(
            f"{wanted} is a device that several people used, so it is nobody's alone: name the person instead ({named})"
        )
    return person(one, tools.tables.pointers_to, tools.nodes_max)


def _all(who: Person) -> set[int]:
    """Everybody to whom an order may go, as far as it is known before the plan."""
    return {*who.nodes, *(node for node, _ in who.shared), *(node for node, _ in who.linked)}


def _key(tables: Tables, named: Named) -> bytes:
    return key_of(tables.workspace, named.kind, named.value)


def _values(tables: Tables, wanted: Id, plans: Iterable[Plan]) -> list[Named]:
    """Identifiers in clear of what is forgotten as a whole; those of shared devices are somebody else's too."""
    nodes = {node for plan in plans for node in plan.nodes}
    typed = Named(wanted.kind, wanted.value, wanted.node)
    return sorted({*tables.values_of(nodes), typed}, key=lambda each: (each.kind, each.value))


def _state_again(tools: Tools, plans: Sequence[Plan]) -> int:
    """How many links of later events were told again. Nobody waits for the sinks: what they bring is nothing that is deleted."""
    latest = {node: plan.until for plan in plans for node in plan.nodes}  # the newest plan is the last
    facts = [
        fact
        for until in sorted(set(latest.values()))
        for fact in facts_after(tools.tables, [node for node in latest if latest[node] == until], until)
    ]
    if facts:
        tools.giver.send_for_processors(list(_as_records(facts, tools.giver.partitions())))
    return len(facts)


def _as_records(facts: Iterable[Fact], partitions: int) -> Iterable[OutputRecord]:
    by_partition: dict[int, list[Fact]] = {}
    for fact in facts:
        by_partition.setdefault(partition_of(fact.node, partitions), []).append(fact)
    for partition, some in sorted(by_partition.items()):
        for value in encode_facts(some, []):
            yield OutputRecord(IDENTITY_FACTS.name, partition, some[0].node, value)


def _deleted(tools: Tools, plans: Sequence[Plan], values: Sequence[Named], receipt: Receipt) -> Receipt:
    gone: dict[str, int] = {}
    for each in plans:
        for table, rows in delete(tools.tables, each, values).items():
            gone[table] = gone.get(table, 0) + rows
    nodes = frozenset(node for plan in plans for node in plan.nodes)
    return msgspec.structs.replace(
        receipt,
        deleted=gone,
        left=search(tools.tables, values, nodes),
        searched_for=len(values),
        copies=tools.copies(),
    )


def _documents(plans: Iterable[Plan], receipt: Receipt) -> dict[str, bytes]:
    """The receipt of all that was done together stands under the name of each."""
    document = msgspec.json.encode(receipt)
    return {plan.by: document for plan in plans}
