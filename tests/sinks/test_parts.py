"""What the parts of the events' table are made of: an insert is cheap, what merges leave is quick to read."""

import json

from schemas.wire.codec import RESOLVED_EVENT
from tests.sinks.stage import Tables, event, until

PARTS_SQL = """\
SELECT level, part_type FROM system.parts WHERE active AND database = currentDatabase() AND table = 'events'"""


def test_an_insert_writes_one_file_for_all_columns_and_a_merge_one_for_each(
    clickhouse: str, database: str
) -> None:
    tables = Tables(clickhouse, database)
    wide_bytes = 10 * 1024 * 1024  # from here on the server would give each column a file
    text = json.dumps({"page": "x" * (wide_bytes // 300)})
    tables.client.command("SYSTEM STOP MERGES events")
    for start in (0, 400):
        values = [event(n, envelope=text) for n in range(start, start + 400)]
        tables.insert("events_in", RESOLVED_EVENT, values, f"part-{start}")
    assert tables.rows(PARTS_SQL) == [(0, "Compact"), (0, "Compact")]
    tables.client.command("SYSTEM START MERGES events")

    def merged() -> set[tuple[bool, str]]:
        tables.client.command("OPTIMIZE TABLE events FINAL")  # does nothing while another merge runs
        return {(level > 0, kind) for level, kind in tables.rows(PARTS_SQL)}

    until(merged, {(True, "Wide")})
