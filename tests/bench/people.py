"""A shop's ninety days as they stand in ClickHouse, made there by seeded SQL: what questions about people are measured on.

Ten million events of a million subjects unless told otherwise, day by day, through `events_in` and the views behind it, as the
sinks insert. Every event carries properties, a context and an envelope of the length that clients send, so that bytes on disk
mean something; what is drawn is drawn from a hash of the event's number, so that two runs have the same people.

Of five subjects one is a user's own, two are devices of that user and two stay anonymous; one device in two hundred was used by
two users in turn. A tenth of the subjects makes half of the events; three in a hundred are bots.

The embedded engine keeps them among its downloads, for as long as neither they nor the migrations change: 2 GB. What is older
than a day is merged as it would be by then (`min_age_to_force_merge_seconds`), and nothing is measured while merges run. What is
asked afterwards finds the data in memory, as on a server in use: a folder that nobody has asked for an hour is on disk alone.
"""

import contextlib
import hashlib
import shutil
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path

from clickhouse_connect.driver.client import Client

from runtime.clickhouse import connect
from runtime.environment.settings import ClickHouseSettings, EngineSettings, load
from sinks.migrating.migrations import migrate, shipped
from tests import engines

DAYS = 90
UNTIL_MS = 1_793_318_400_000  # 2026-10-30, the end of the ninetieth day
BLOCK_ROWS_MAX = 200_000
WRITERS = 2
STATEMENT_S_MAX = 3_000
REST_S_MAX = 300
PIECE_BYTES = 1 << 20
QUIET_S = 5  # merges begin within it
FOLDER = "bench-people-"
FILLED = "filled"
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


@contextlib.contextmanager
def stored(environ: Mapping[str, str]) -> Iterator[ClickHouseSettings]:
    """A database that has them: the one that CLICKHOUSE_URL and STITCHLINE_DATABASE name, filled when it is empty, or our own."""
    folder = _folder(environ)
    with engines.clickhouse_engine(folder, environ) as url:
        settings = ClickHouseSettings(url=url, database=environ.get("STITCHLINE_DATABASE", "people"))
        migrate(settings)
        client = connect(settings, timeout_s=STATEMENT_S_MAX)
        try:
            if client.query("SELECT count() FROM events").result_rows[0][0] == 0:
                fill(client)
                (folder / FILLED).touch()
            _rest(client)
        finally:
            client.close()
        _read(folder)
        yield settings


def fill(client: Client, events: int = 10_000_000, subjects: int = 1_000_000, seed: int = 1) -> None:
    """Into a migrated, empty database; `client` is safe for threads. A day is inserted in blocks. Returns when merges rest."""
    with ThreadPoolExecutor(WRITERS) as writers:
        day = partial(_day, client, events // DAYS, {"seed": seed, "subjects": subjects})
        list(writers.map(day, range(DAYS - 1)))
        client.command("OPTIMIZE TABLE subject_details FINAL")
        day(DAYS - 1)
    for pointers in (_POINTERS, _CONTESTED):
        client.command(pointers, parameters={"subjects": subjects})
    for name in DICTIONARIES:
        client.command(f"SYSTEM RELOAD DICTIONARY {name}")
    _rest(client)


def _rest(client: Client) -> None:
    """Until no merge has run for a while, or for as long as may be waited."""
    end, quiet_since = time.monotonic() + REST_S_MAX, time.monotonic()
    while time.monotonic() < min(end, quiet_since + QUIET_S):
        time.sleep(1)
        if client.query("SELECT count() FROM system.merges").result_rows[0][0]:
            quiet_since = time.monotonic()


def _read(folder: Path) -> None:
    """So that the system has its files in memory. A merge may take one away meanwhile."""
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError, IsADirectoryError), path.open("rb", buffering=0) as file:
            while file.read(PIECE_BYTES):
                pass


def _day(client: Client, per_day: int, drawn: Mapping[str, int], day: int) -> None:
    sql = Path(__file__).with_suffix(".sql").read_text()
    for start in range(0, per_day, BLOCK_ROWS_MAX):
        block = {"first": day * per_day + start, "rows": min(BLOCK_ROWS_MAX, per_day - start)}
        client.command(sql, parameters={**block, **drawn, "day": day}, settings={"optimize_on_insert": 0})


def _folder(environ: Mapping[str, str]) -> Path:
    """Of the embedded engine. What others there were is thrown away, and one that was not filled to its end."""
    cache = load(EngineSettings, environ).cache_path
    made_by = [version("chdb"), Path(__file__).with_suffix(".sql").read_text(), _POINTERS, _CONTESTED]
    whole = "".join([*made_by, *(each.sha256 for each in shipped())])
    folder = cache / f"{FOLDER}{hashlib.sha256(whole.encode()).hexdigest()[:12]}"
    for other in cache.glob(f"{FOLDER}*"):
        if other != folder or not (other / FILLED).exists():
            shutil.rmtree(other)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
