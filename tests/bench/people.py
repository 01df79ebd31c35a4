"""A shop's ninety days as they stand in ClickHouse, made there by seeded SQL: what questions about people are measured on.

Ten million events of a million subjects unless told otherwise, day by day, through `events_in` and the views behind it, as the
sinks insert. Every event carries properties, a context and an envelope of the length that clients send, so that bytes on disk
mean something; what is drawn is drawn from a hash of the event's number, so that two runs have the same people.

Of five subjects one is a user's own, two are devices of that user and two stay anonymous; one device in two hundred was used by
two users in turn. A tenth of the subjects makes half of the events; three in a hundred are bots.
"""

from pathlib import Path

from clickhouse_connect.driver.client import Client

DAYS = 90
UNTIL_MS = 1_793_318_400_000  # 2026-10-30, the end of the ninetieth day
BLOCK_ROWS_MAX = 200_000
DICTIONARIES = ("idr_owner", "idr_root", "idr_segment")

# Node ids have 63 bits, as the resolver's.
_POINTERS = """\
INSERT INTO pointers_in (workspace, node, owner, version, updated_at)
SELECT
    'main', bitShiftRight(sipHash64('subject', number), 1), bitShiftRight(sipHash64('user', number - number % 5), 1),
    1, toDateTime64('2026-08-02', 3, 'UTC')
FROM numbers({subjects:UInt64}) WHERE number % 5 IN (0, 1, 2)
"""
_CONTESTED = """\
INSERT INTO pointers_in (workspace, node, owner, segments, version, updated_at)
WITH
    toDateTime64('1970-01-01', 3, 'UTC') AS always,
    toDateTime64('2026-09-01', 3, 'UTC') AS handed_on,
    toDateTime64('2026-10-01', 3, 'UTC') AS left_alone,
    bitShiftRight(sipHash64('subject', number), 1) AS node,
    bitShiftRight(sipHash64('user', number - number % 5), 1) AS first_owner,
    bitShiftRight(sipHash64('user', number - number % 5 + 5), 1) AS second_owner
SELECT
    'main', node, node, [(always, handed_on, first_owner), (handed_on, left_alone, second_owner)], 1, handed_on
FROM numbers({subjects:UInt64}) WHERE number % 200 = 3
"""


def fill(client: Client, events: int = 10_000_000, subjects: int = 1_000_000, seed: int = 1) -> None:
    """Into a migrated, empty database. A day is inserted in blocks."""
    sql = Path(__file__).with_suffix(".sql").read_text()
    per_day = events // DAYS
    for day in range(DAYS):
        for start in range(0, per_day, BLOCK_ROWS_MAX):
            block = {"first": day * per_day + start, "rows": min(BLOCK_ROWS_MAX, per_day - start)}
            drawn = {"seed": seed, "subjects": subjects, "day": day}
            client.command(sql, parameters=block | drawn)
    for pointers in (_POINTERS, _CONTESTED):
        client.command(pointers, parameters={"subjects": subjects})
    for name in DICTIONARIES:
        client.command(f"SYSTEM RELOAD DICTIONARY {name}")
