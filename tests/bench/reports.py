"""What each report takes on three million events of two months, made by seeded SQL: 300,000 devices with two visits of five
events each, every second visit brought by a campaign, 150,000 orders; a fifth of the devices are linked to people, some
were used by two in turn.

The best of two runs each, on the embedded engine; CPU seconds hardly depend on what else the machine does.
"""

import time
import uuid
from pathlib import Path

import psutil
from clickhouse_connect.driver.client import Client

from sinks.storing.tables import DICTIONARIES
from tests.bench.figures import Figure
from tests.bench.identity_queries import engine
from tests.bench.meter import cpu_s
from tests.sinks.stage import Tables

EVENTS, VISITORS = 3_000_000, 300_000
BLOCK_ROWS = 200_000
RUNS = 2
ROOT = 1 << 62  # owners: numbers that no device has

POINTERS = """\
INSERT INTO pointers_in (workspace, node, owner, version, updated_at)
SELECT 'main', sipHash64('node', number * 5 + 1) % 9223372036854775807, {root:UInt64} + intDiv(number, 2), 1, now64(3)
FROM numbers({linked:UInt64})"""
CONTESTED = """\
INSERT INTO pointers_in (workspace, node, owner, segments, version, updated_at)
SELECT 'main', sipHash64('node', number * 5 + 2) % 9223372036854775807 AS device, device,
       [(toDateTime64(0, 3, 'UTC'), toDateTime64('2024-06-01', 3, 'UTC'), {root:UInt64} + number),
        (toDateTime64('2024-06-01', 3, 'UTC'), toDateTime64('2100-01-01', 3, 'UTC'), {root:UInt64} + number + 1)], 1, now64(3)
FROM numbers({contested:UInt64})"""

RANGE = "workspace = 'main', since = '2024-05-01', until = '2024-07-01', zone = 'Europe/Berlin'"
ALL = f"{RANGE}, people = 'any', bots = 'exclude'"
STEPS = "steps = ['Product Viewed', 'Product Added', 'Order Completed'], within = '7d'"
REPORTS = {
    "source_statistics": RANGE.replace("2024-05-01", "2024-01-01"),
    "event_counts": f"{ALL}, unit = 'month'",
    "live_feed": "workspace = 'main', since = '2024-06-29', zone = 'UTC', people = 'any', bots = 'exclude', rows = 50",
    "engagement": f"{ALL}, unit = 'week'",
    "active_people": ALL,
    "funnel": f"{ALL}, {STEPS}, by = 'none'",
    "funnel, by channel": f"{ALL}, {STEPS}, by = 'channel'",
    "activation": f"{ALL}, {STEPS}",
    "retention": f"{ALL}, unit = 'week', first = 'any', again = 'any'",
    "retention, of an event": f"{ALL}, unit = 'week', first = 'Signed Up', again = 'Order Completed'",
    "visit_statistics": f"{ALL}, by = 'channel', lookback = '30d'",
    "attribution": f"{RANGE}, lookback = '30d', people = 'any'",
    "cohort_value": f"{ALL}, unit = 'month', cohort = 'order', by = 'none'",
    "cohort_value, by channel": f"{ALL}, unit = 'month', cohort = 'order', by = 'channel'",
}


def fill(client: Client, events: int, visitors: int) -> None:
    sql = Path(__file__).with_suffix(".sql").read_text()
    for first in range(0, events, BLOCK_ROWS):
        sizes = {"first": first, "rows": min(BLOCK_ROWS, events - first), "visitors": visitors}
        client.command(sql, parameters=sizes)
    sizes = {"root": ROOT, "linked": visitors // 5, "contested": visitors // 200}
    for pointers in (POINTERS, CONTESTED):
        client.command(pointers, parameters=sizes)
    for name in DICTIONARIES:
        client.command(f"SYSTEM RELOAD DICTIONARY {name}")


def run(events: int = EVENTS, visitors: int = VISITORS) -> list[Figure]:
    with engine() as (url, _):
        tables = Tables(url, f"b_{uuid.uuid4().hex[:8]}")
        fill(tables.client, events, visitors)
        return [figure for name, arguments in REPORTS.items() for figure in _asked(tables, name, arguments)]


def _asked(tables: Tables, name: str, arguments: str) -> list[Figure]:
    process = next(
        child for child in psutil.Process().children() if "deploy.embedded.clickhouse" in child.cmdline()
    )
    took = []
    for _ in range(RUNS):
        began, before = time.perf_counter(), cpu_s(process)
        assert tables.rows(f"SELECT * FROM {name.partition(',')[0]}({arguments})")  # noqa: S608 - ours
        took.append((time.perf_counter() - began, cpu_s(process) - before))
    seconds, spent = min(each[0] for each in took), min(each[1] for each in took)
    return [
        Figure(stage="reports", name=name, value=round(seconds, 2), unit="s"),
        Figure(stage="reports", name=f"{name}: CPU", value=round(spent, 2), unit="s"),
    ]
