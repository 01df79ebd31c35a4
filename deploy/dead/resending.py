"""Dead letters counted, shown and sent again: the edge to ClickHouse and Kafka, page by page.

What is sent is not marked anywhere. An event that is stored already is left out, and of one that is on its way the resolver sees
that it is a duplicate: so the command may be cut off, and run twice. What a run's own events become is not looked at again in it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from clickhouse_connect.driver.client import Client

from collector.packing import seal
from deploy.dead.again import Door, found_in
from deploy.dead.letters import (
    FIRST,
    Kind,
    Letter,
    Meant,
    NoSuchLetter,
    counted,
    keys_after,
    letters,
    letters_between,
    page_end,
)
from deploy.dead.originals import Originals
from deploy.orders.tables import answered
from runtime.environment.settings import KafkaSettings
from runtime.sending import send
from schemas.events.dead_letter import NOWHERE
from schemas.events.pack import PackedEvent, encode_event
from schemas.identity.identifiers import partition_of
from schemas.stream import OutputRecord
from schemas.topics import EVENTS_RAW

IDS_PER_QUESTION_MAX = 1_000
WHYS_MAX = 100  # that are told
_DIGITS = re.compile(r"\d+")
_STORED = "SELECT DISTINCT message_id FROM events WHERE workspace = {workspace:String} AND message_id IN {ids:Array(String)}"


class Why(msgspec.Struct):
    """Why some cannot be sent again, and the first of them."""

    why: str
    times: int
    id: str


class Outcome(msgspec.Struct):
    """Of `letters` looked at. `sent` and `stored` count events; `cannot` what else was found in the letters."""

    letters: int = 0
    sent: int = 0
    stored: int = 0
    cannot: list[Why] = []


class Target(msgspec.Struct, frozen=True):
    """Where events go: the deployment's partitions of events.raw and where each ended at the beginning."""

    kafka: KafkaSettings
    partitions: int
    pack_bytes_max: int
    ends: Mapping[int, int]


def kinds(client: Client, meant: Meant, limit: int) -> list[Kind]:
    """Raises NoAnswer, NoSuchLetter."""
    sql, values = counted(meant, limit)
    with answered():
        return [Kind(*row) for row in client.query(sql, parameters=values).result_rows]


def shown(client: Client, meant: Meant) -> list[Letter]:
    """Those of one id. Raises NoAnswer, NoSuchLetter."""
    found = [letter for page in pages(client, meant) for letter in page]
    if not found:
        raise NoSuchLetter(
            f"workspace {meant.workspace} has no dead letter {meant.id}: `stitchline dead` lists them"
        )
    return found


def pages(client: Client, meant: Meant) -> Iterator[list[Letter]]:
    """All of them by their time of receipt, so many at once as memory has room for."""
    after = FIRST
    while True:
        with answered():
            keys = client.query(*keys_after(meant, after)).result_rows
            if not keys:
                return
            until = page_end(keys)
            page = list(letters(client.query(*letters_between(meant, after, until)).result_rows))
        yield page
        after = until


def resent(client: Client, meant: Meant, door: Door, target: Target) -> Outcome:
    """Raises NoAnswer, KafkaUnavailable, NoSuchLetter."""
    outcome, originals = Outcome(), Originals(target.kafka)
    whys: dict[str, Why] = {}
    try:
        for page in pages(client, meant):
            earlier = [letter for letter in page if not _is_of_this_run(letter, target)]
            outcome.letters += len(earlier)
            events = _events(earlier, originals, door, whys)
            fresh = _not_stored(client, meant.workspace, events)
            outcome.stored += len(events) - len(fresh)
            _send(fresh, target)
            outcome.sent += len(fresh)
    finally:
        originals.close()
    outcome.cannot = list(whys.values())
    return outcome


def _is_of_this_run(letter: Letter, target: Target) -> bool:
    """What was sent a moment ago was refused again."""
    place = letter.lineage
    return place != NOWHERE and place.offset >= target.ends.get(place.partition, place.offset + 1)


def _events(
    page: Sequence[Letter], originals: Originals, door: Door, whys: dict[str, Why]
) -> list[PackedEvent]:
    """Each once, though several letters may have it."""
    places = originals.of(page)
    events: dict[str, PackedEvent] = {}
    for letter in page:
        found = found_in(letter, door, places.get(letter.lineage))
        events |= {event.message_id: event for event in found.events}
        for why in found.whys:
            alike = _DIGITS.sub("#", why)
            if alike in whys:
                whys[alike].times += 1
            elif len(whys) < WHYS_MAX:
                whys[alike] = Why(why, 1, letter.id)
    return list(events.values())


def _not_stored(client: Client, workspace: str, events: Sequence[PackedEvent]) -> list[PackedEvent]:
    stored: set[str] = set()
    ids = [event.message_id for event in events]
    for start in range(0, len(ids), IDS_PER_QUESTION_MAX):
        values = {"workspace": workspace, "ids": ids[start : start + IDS_PER_QUESTION_MAX]}
        with answered():
            stored.update(row[0] for row in client.query(_STORED, parameters=values).result_rows)
    return [event for event in events if event.message_id not in stored]


def _send(events: Sequence[PackedEvent], target: Target) -> None:
    partitions = [partition_of(event.routing, target.partitions) for event in events]
    packs = seal(partitions, list(map(encode_event, events)), target.pack_bytes_max)
    if packs:
        send(target.kafka, [OutputRecord(EVENTS_RAW.name, pack.partition, b"", pack.value) for pack in packs])
