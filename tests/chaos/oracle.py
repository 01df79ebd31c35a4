"""What must be in ClickHouse: every accepted id once without FINAL, in its person's order, under one profile; sums that balance.

`judge` is pure: it is given what the tables hold and what the clients know. The rest asks.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import msgspec
from clickhouse_connect.driver.client import Client

from schemas.events.pack import decode_pack
from tests.chaos.load import parse_id
from tests.chaos.orders import is_forgotten
from tests.chaos.state import Logs

EVENTS = "SELECT message_id, raw_partition, raw_offset, raw_index FROM events"
PROFILES = "SELECT message_id, profile_id FROM events_resolved"
LEDGER = "SELECT outcome, toInt64(sum(events)) FROM ledger WHERE stage = 'resolve' GROUP BY outcome"
TRAITS = "SELECT count() FROM traits"
LETTERS = "SELECT count() FROM dead_letters"

Row = tuple[str, int, int, int]  # message id; partition, offset and place in the pack


class Told(msgspec.Struct, frozen=True):
    """What the clients know: answered with 200, and never answered."""

    accepted: frozenset[str]
    unsure: frozenset[str]


class Verdict(msgspec.Struct, frozen=True):
    """`lost`: accepted, and not there. `doubled`: rows too many. `others`: in words, all else that is wrong."""

    lost: int
    doubled: int
    others: list[str]

    @property
    def is_right(self) -> bool:
        return not (self.lost or self.doubled or self.others)


def judge(told: Told, rows: Iterable[Row]) -> Verdict:
    """The rows of `events` against what the clients know."""
    found = list(rows)
    counts = Counter(row[0] for row in found)
    others = []
    if foreign := len(counts.keys() - told.accepted - told.unsure):
        others.append(f"{foreign} events that nobody sent")
    others += _out_of_order(found)
    return Verdict(
        lost=len(told.accepted - counts.keys()),
        doubled=sum(count - 1 for count in counts.values()),
        others=others,
    )


def _out_of_order(rows: Iterable[Row]) -> Iterator[str]:
    """A device's events: in one partition, and in the log as they were accepted."""
    by_device: dict[str, list[tuple[int, tuple[int, int], int]]] = defaultdict(list)
    for text, partition, offset, index in rows:
        one = parse_id(text)
        by_device[one.device].append((one.number, (offset, index), partition))
    for device, events in by_device.items():
        places = [place for _, place, _ in sorted(events)]
        if places != sorted(places) or len({partition for *_, partition in events}) > 1:
            yield f"events of {device} are out of order"


def people_apart(profiles: Iterable[tuple[str, str]], accepted: frozenset[str]) -> list[str]:
    """Those whose devices said who they are, and who are not exactly one profile of their own; empty in the end."""
    known = {one.device for one in map(parse_id, accepted) if one.is_identify}
    of: dict[str, set[str]] = defaultdict(set)
    owners: dict[str, set[str]] = defaultdict(set)
    for text, profile in profiles:
        one = parse_id(text)
        if one.device in known:
            of[one.person].add(profile)
            owners[profile].add(one.person)
    return [p for p, found in of.items() if len(found) > 1 or any(len(owners[one]) > 1 for one in found)]


def ledger_wrongs(sums: dict[str, int], letters: int, logs: Logs, rows: int) -> list[str]:
    """Accepted = what is on events.raw; resolved = the rows; and what is left over is duplicates, or forgotten people's."""
    ids = [
        event.message_id
        for log in logs.raw
        for record in log.records
        for event in decode_pack(record.value or b"").events
    ]
    sent, forgotten = (
        len(ids),
        min(sums.get("forgotten", 0), len([one for one in ids if is_forgotten(parse_id(one))])),
    )
    duplicate = sent - rows - forgotten
    wanted = {"accepted": sent, "resolved": rows, "duplicate": duplicate, "dead": 0, "forgotten": forgotten}
    wrong = [
        f"ledger says {sums.get(name, 0)} {name}, not {n}"
        for name, n in wanted.items()
        if sums.get(name, 0) != n
    ]
    return wrong + ([f"{letters} dead letters"] if letters else [])


def trait_wrongs(rows: Iterable[Row], traits: int) -> list[str]:
    """Another table behind the same inserts: each identify call has one trait."""
    wanted = sum(parse_id(text).is_identify for text, *_ in rows)
    return [] if traits == wanted else [f"{traits} rows of traits, not {wanted}"]


class Tables:
    """The questions, on one connection."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def rows(self) -> list[Row]:
        return [(str(i), int(p), int(o), int(n)) for i, p, o, n in self._client.query(EVENTS).result_rows]

    def profiles(self) -> list[tuple[str, str]]:
        return [(str(one), str(profile)) for one, profile in self._client.query(PROFILES).result_rows]

    def ledger(self) -> dict[str, int]:
        return {str(outcome): int(events) for outcome, events in self._client.query(LEDGER).result_rows}

    def letters(self) -> int:
        return int(self._client.query(LETTERS).result_rows[0][0])

    def traits(self) -> int:
        return int(self._client.query(TRAITS).result_rows[0][0])

    def stored(self, ids: list[str]) -> int:
        """How many of these are there."""
        asked = "SELECT uniqExact(message_id) FROM events WHERE message_id IN {ids:Array(String)}"
        return int(self._client.query(asked, parameters={"ids": ids}).result_rows[0][0])


def missing(told: Told, rows: Iterable[Row]) -> frozenset[str]:
    return told.accepted - {row[0] for row in rows}
