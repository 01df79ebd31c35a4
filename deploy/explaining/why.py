"""`stitchline why A B`: why two identifiers are one person or not, read from ClickHouse and held against its pointers.

The table `identity_pointers` is the present truth. The events around the two are read, their facts are told again, and the
forest's rules are run over them; where the result is not what the table says (the pipeline is still behind, older events are
gone, an order was given that could not be read), the answer says so, and does not guess.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from deploy.explaining.neighbourhood import Neighbourhood, around
from deploy.explaining.why_view import Answer, DifferenceView, Names, moment
from deploy.identifiers.ids import Id, find, hash_key_at_hand
from processors.identity.explain import ALWAYS, AT_TIMES, NEVER, explain, places
from processors.identity.settled import NO_ID, Settled
from runtime.clickhouse import NoAnswer
from runtime.control import read_control
from runtime.environment.settings import ClickHouseSettings, ExplanationSettings, KafkaSettings, load
from runtime.kafka import KafkaUnavailable
from schemas.identity.identifiers import EMAIL, profile_id
from schemas.identity.order_documents import orders_in
from schemas.identity.orders import Order
from sinks.storing.clickhouse import connect

Owners = tuple[tuple[int, int], ...]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """`b` is None to ask about one identifier alone; `orders` is None when they could not be read; `older`: events that have
    no identifiers are read too."""

    workspace: str
    a: str
    b: str | None
    hash_key: bytes | None
    orders: list[Order] | None
    older: bool = False


def ask(environ: Mapping[str, str], workspace: str, ids: tuple[str, str | None], data: Path) -> Answer:
    """As the command line asks. Raises WrongHashKey, what deploy.identifiers.ids.find raises, and NoAnswer."""
    key = hash_key_at_hand(environ, data)
    asked = Question(workspace=workspace, a=ids[0], b=ids[1], hash_key=key, orders=None)
    limits = load(ExplanationSettings, environ)
    try:
        client = connect(load(ClickHouseSettings, environ))
        found = answer(client, asked, limits)
        if found.agrees:
            return found
        return answer(client, msgspec.structs.replace(asked, orders=_orders(environ), older=True), limits)
    except (ClickHouseError, HTTPError, OSError) as error:
        raise NoAnswer(
            f"ClickHouse does not answer (see CLICKHOUSE_URL, STITCHLINE_DATABASE): {error}"
        ) from error


def _orders(environ: Mapping[str, str]) -> list[Order] | None:
    """Everything that was ever ordered, None when Kafka cannot be asked. Needed where the table contradicts the events."""
    kafka = load(KafkaSettings, environ)
    try:
        return [each.order for each in orders_in(read_control(kafka, kafka.answer_timeout_s).documents)]
    except KafkaUnavailable:
        return None


def answer(client: Client, asked: Question, limits: ExplanationSettings) -> Answer:
    """Raises what deploy.identifiers.ids.find raises, and what the client raises."""
    texts = [asked.a] if asked.b is None else [asked.a, asked.b]
    ids = [find(client, asked.workspace, text, asked.hash_key) for text in texts]
    if ids[0] == ids[-1]:  # one identifier, perhaps in two forms
        asked = msgspec.structs.replace(asked, b=None)
    read = around(client, ids, limits, asked.hash_key, older=asked.older)
    settled = Settled(read.events, read.keys, asked.orders or ())
    return _answer(asked, ids, read, settled)


def _answer(asked: Question, ids: list[Id], read: Neighbourhood, settled: Settled) -> Answer:
    names = _names(ids, read)
    differences = list(_differences(settled, read, names, ids))
    first, last = ids[0], ids[-1]
    found = explain(settled, first.key, last.key) if asked.b is not None and not differences else None
    alone = places(settled, first.key) if asked.b is None and not differences else []
    return Answer(
        workspace=asked.workspace,
        a=str(first),
        b=None if asked.b is None else str(last),
        one_person=None if asked.b is None else _by_table(read, first.node, last.node),
        agrees=not differences,
        differences=differences,
        routes=[names.route(route) for route in found.routes] if found else [],
        reasons=[names.reason(reason) for reason in found.reasons] if found else [],
        places=[names.place(each, _profile(settled, each.root)) for each in alone],
        crowded=sorted(names.of_node(node) for node in read.crowded),
        is_complete=read.is_complete,
        orders_read=asked.orders is not None,
    )


def _names(ids: Iterable[Id], read: Neighbourhood) -> Names:
    found = Names(read.workspace, read.events, read.keys)
    for each in ids:
        if each.kind == EMAIL and "@" in each.value:
            found.learn(each.value)
    return found


def _profile(settled: Settled, root: bytes) -> str:
    number = settled.id_of(root)
    return "" if number == NO_ID else profile_id(number)


def _differences(
    settled: Settled, read: Neighbourhood, names: Names, ids: Iterable[Id]
) -> Iterable[DifferenceView]:
    """Of everybody above the identifiers that were asked about, by the events or by the table."""
    waiting, seen = [each.node for each in ids], set[int]()
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        by_events, by_table = _by_events(settled, read, node), _owners(read, node)
        if NO_ID not in {owner for _, owner in by_events} and by_events != by_table:
            yield DifferenceView(
                node=names.of_node(node), by_events=_named(names, by_events), by_table=_named(names, by_table)
            )
        waiting += [owner for _, owner in (*by_events, *by_table) if owner != NO_ID]


def _by_events(settled: Settled, read: Neighbourhood, node: int) -> Owners:
    key = read.keys.get(node)
    if key is None:
        return ((0, node),)
    found = [(each.since, each.owner) for each in settled.tenures(key)]
    return tuple((since, node if owner == key else settled.id_of(owner)) for since, owner in found)


def _named(names: Names, owners: Owners) -> list[tuple[str, str]]:
    return [(moment(since), names.of_node(owner)) for since, owner in owners]


def _owners(read: Neighbourhood, node: int) -> Owners:
    pointer = read.pointers.get(node)
    return pointer.owners if pointer else ((0, node),)


def _by_table(read: Neighbourhood, a: int, b: int) -> str:
    """Whether the two are one person now."""
    pairs = [(here, there) for here in _roots(read, a) for there in _roots(read, b)]
    same = [here == there for here, there in pairs]
    return ALWAYS if all(same) else AT_TIMES if any(same) else NEVER


def _roots(read: Neighbourhood, node: int) -> list[int]:
    """One for each tenure of a contested device."""
    found = []
    for _, owner in _owners(read, node):
        while len(owners := _owners(read, owner)) == 1 and owners[0][1] != owner:
            owner = owners[0][1]
        found.append(owner)
    return found
