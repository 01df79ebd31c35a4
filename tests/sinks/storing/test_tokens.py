"""A block repeated under its token adds nothing to any table, however long ago it was stored and whatever happened since."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from schemas.wire.codec import (
    CART,
    CONTACT,
    DEAD_LETTER,
    DELIVERY,
    FIRING,
    LEDGER_ENTRY,
    POINTER,
    PRODUCT,
    RESOLVED_EVENT,
    encode_dead_letter,
    encode_ledger_entry,
)
from sinks.storing.block import Block, Record
from sinks.storing.delivery import Delivery
from sinks.storing.tables import SINKS
from tests.engines import embedded_clickhouse
from tests.sinks.fired import delivery, firing
from tests.sinks.stage import START_MS, Tables, cart, contact, event, pointer, product

MONTH_MS = 31 * 86_400_000
OTHERS, AT_ONCE = 100, 100
MANY = 1_000  # of dead letters: that so many are remembered is shown of one table, as it is the same engine's work in all

# One row each, which is one block and one part; events over 24 months. They go straight into the tables, whose windows are meant.
OTHERS_OF = {
    "events": """events (workspace, message_id, timestamp)
        SELECT 'others', toString(number), addMonths(toDateTime64('2020-01-01', 3, 'UTC'), number % 24)""",
    "subject_events": """subject_events (workspace, subject, timestamp)
        SELECT 'others', number, toDateTime64('2020-01-01', 3, 'UTC')""",
    "identifiers": "identifiers SELECT 'others', 'a', toString(number), number, false",
    "traits": "traits (workspace, subject, timestamp) SELECT 'others', number, toDateTime64('2020-01-01', 3, 'UTC')",
    "group_traits": """group_traits (workspace, group_id, timestamp)
        SELECT 'others', toString(number), toDateTime64('2020-01-01', 3, 'UTC')""",
    "identity_pointers": "identity_pointers (workspace, node, owner) SELECT 'others', number, number",
    "identity_pointer_log": "identity_pointer_log (workspace, node, owner) SELECT 'others', number, number",
    "identity_owners": "identity_owners (workspace, owner, node) SELECT 'others', number, number",
    "subjects": "subjects (workspace, subject) SELECT 'others', number",
    "subject_details": "subject_details (workspace, subject, part) SELECT 'others', number, 'device'",
    "dead_letters": "dead_letters (workspace, detail) SELECT 'others', toString(number)",
    "cart_states": "cart_states (cart) SELECT number + 1000000",
    "catalogue_statements": "catalogue_statements (workspace, hour) SELECT 'others', number",
    "firing_states": "firing_states (workspace, firing_id) SELECT 'others', toString(number)",
    "delivery_attempts": "delivery_attempts (workspace, firing_id) SELECT 'others', toString(number)",
    "contact_list_members": "contact_list_members (workspace, contact) SELECT 'others', number",
    "opt_outs": "opt_outs (workspace, contact) SELECT 'others', number",
    "ledger": "ledger (workspace, outcome, events) SELECT 'others', toString(number), 1",
}
ONE_BY_ONE = "SETTINGS max_block_size = 1, min_insert_block_size_rows = 1, min_insert_block_size_bytes = 1"


def letter(detail: str) -> bytes:
    texts = dict.fromkeys(("workspace", "source", "stage", "reason", "fingerprint", "message_id"), "main")
    place = {"received_at": START_MS, "payload": b"{", "raw_partition": -1, "raw_offset": 0, "raw_index": 0}
    return encode_dead_letter(texts | place | {"detail": detail})


def entry(events: int) -> bytes:
    texts = dict.fromkeys(("workspace", "source", "stage", "outcome"), "main")
    return encode_ledger_entry(texts | {"minute": START_MS, "events": events})


def insert_all(tables: Tables, start: int) -> None:
    """A block into every ingest table, under the same tokens whenever it has the same start; events over 24 months."""
    numbers = range(start, start + 24)
    months = [START_MS - n % 24 * MONTH_MS for n in numbers]
    events = [
        event(n, type="identify", traits='{"plan":"pro"}', timestamp=month, anonymous_id=f"d{n}")
        for n, month in zip(numbers, months, strict=True)
    ]
    values: Mapping[str, tuple[int, list[bytes]]] = {
        "events_in": (RESOLVED_EVENT, events),
        "pointers_in": (POINTER, [pointer(n, 9) for n in numbers]),
        "dead_letters_in": (DEAD_LETTER, [letter(str(n)) for n in numbers]),
        "carts_in": (CART, [cart(n) for n in numbers]),
        "catalogue_in": (PRODUCT, [product(n) for n in numbers]),
        "firings_in": (FIRING, [firing(n) for n in numbers]),
        "deliveries_in": (DELIVERY, [delivery(n) for n in numbers]),
        "contacts_in": (CONTACT, [contact(n, kind="opt_out") for n in numbers]),
        "ledger_in": (LEDGER_ENTRY, [entry(1) for _ in numbers]),
    }
    assert set(values) == {sink.table for sink in SINKS.values()}
    for table, (schema_id, block) in values.items():
        tables.insert(table, schema_id, block, f"{table}-0-{start}-{start + 24}")
    groups = [
        event(n, message_id=f"g{n}", type="group", group_id=f"g{n}", anonymous_id=f"d{n}") for n in numbers
    ]
    tables.insert("events_in", RESOLVED_EVENT, groups, f"groups-0-{start}-{start + 24}")


def insert_others(tables: Tables) -> None:
    for table, rows in OTHERS_OF.items():
        tables.client.command(f"ALTER TABLE {table} MODIFY SETTING parts_to_delay_insert = 3000")
        for start in range(0, MANY if table == "dead_letters" else OTHERS, AT_ONCE):
            token = f"others-{start}"
            numbers = f"FROM numbers({start}, {AT_ONCE}) {ONE_BY_ONE}, insert_deduplication_token = '{token}'"
            tables.client.command(f"INSERT INTO {rows} {numbers}")


def sums(tables: Tables) -> dict[str, tuple[int, ...]]:
    """Rows of every table, and what the ledger adds up to."""
    counted = "SELECT count() FROM {} WHERE workspace = 'main'"
    counts = {table: tables.row(counted.format(table)) for table in OTHERS_OF}
    return counts | {"ledger": tables.row("SELECT sum(events) FROM ledger WHERE workspace = 'main'")}


def merge(tables: Tables) -> None:
    for table in OTHERS_OF:
        tables.client.command(f"OPTIMIZE TABLE {table} FINAL")


def test_a_block_over_24_months_repeated_after_merges_many_others_and_a_restart_adds_nothing(
    tmp_path: Path,
) -> None:
    with embedded_clickhouse(tmp_path) as url:
        tables = Tables(url, "tokens")
        insert_all(tables, 0)
        insert_all(tables, 24)
        merge(tables)  # the parts that the blocks made are gone
        stored = sums(tables)
        # Every node but one has another owner, number 9.
        # Of each subject a device, a trait and a name, and of the owner who names it.
        different = {
            "events": (96,),
            "subject_events": (96,),
            "identity_owners": (47,),
            "subject_details": (3 * 48 + 47,),
        }
        assert stored == dict.fromkeys(OTHERS_OF, (48,)) | different
        insert_others(tables)
        insert_all(tables, 0)
        assert sums(tables) == stored
    with embedded_clickhouse(tmp_path) as url:
        tables = Tables(url, "tokens")
        insert_all(tables, 24)
        assert sums(tables) == stored
        # A shorter window would have forgotten them: so many others do count.
        tables.client.command(
            f"ALTER TABLE dead_letters MODIFY SETTING non_replicated_deduplication_window = {MANY}"
        )
        tables.insert("dead_letters_in", DEAD_LETTER, [letter("more")], "more")
        insert_all(tables, 0)
        assert sums(tables) == stored | {"dead_letters": (48 + 1 + 24,)}


@pytest.fixture
def tables(clickhouse: str, database: str) -> Tables:
    return Tables(clickhouse, database)


def test_every_table_behind_a_view_has_the_window_on_one_server_and_on_replicas(tables: Tables) -> None:
    targets = tables.rows(
        "SELECT extract(create_table_query, ' TO [^ ]+[.]([a-z_]+)') FROM system.tables "
        "WHERE database = currentDatabase() AND engine = 'MaterializedView'"
    )
    assert {name for (name,) in targets} == set(OTHERS_OF)
    for table in OTHERS_OF:
        definition = str(tables.client.command(f"SHOW CREATE TABLE {table}"))
        windows = dict(re.findall(r"(\w*deduplication_window\w*) = (\d+)", definition))
        assert windows == {
            "non_replicated_deduplication_window": "100000",
            "replicated_deduplication_window": "100000",
            "replicated_deduplication_window_seconds": "604800",
        }


@pytest.mark.parametrize(
    "trap",
    [
        "ALTER TABLE events ADD INDEX trap throwIf(message_id = 'm5') TYPE minmax",
        "ALTER TABLE events ADD CONSTRAINT trap CHECK message_id != 'm5'",
        "ALTER TABLE identifiers ADD INDEX trap throwIf(value = 'd5') TYPE minmax",
    ],
    ids=["while a month's part is written", "before a table's parts are written", "behind the events' view"],
)
def test_a_row_that_is_refused_after_other_months_were_written_makes_none_of_them_count_twice(
    tables: Tables, trap: str
) -> None:
    """The pieces of a split block have tokens of their own: what the whole block had left behind would count beside them."""
    tables.client.command(trap)
    values = [event(n, timestamp=START_MS - n * MONTH_MS) for n in range(10)]
    records = tuple(Record(offset, START_MS, value) for offset, value in enumerate(values))
    block = Block("events.resolved", 0, 0, len(records), RESOLVED_EVENT, records, ())
    for _ in range(2):  # and again, as after a crash
        assert Delivery(tables.writer, "events_in", 100).deliver(block) == 1
    assert tables.row("SELECT count(), uniqExact(message_id), countIf(message_id = 'm5') FROM events") == (
        9,
        9,
        0,
    )
    assert tables.row("SELECT count(), any(reason) FROM dead_letters") == (1, "refused_row")
