"""The example consumer as its user runs it, beside a running stack."""

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.pipeline.up import Up, until

Totals = dict[str, tuple[int, float]]  # profile id -> orders, revenue


class Example:
    """One `python -m deploy.examples.revenue` after the other on one database."""

    def __init__(self, up: Up, database: Path) -> None:
        self._command = [
            *(sys.executable, "-m", "deploy.examples.revenue", "--database", str(database)),
            *("--kafka", up.addresses["kafka"], "--registry", up.addresses["collector"]),
        ]
        self._database = database
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def run_once(self) -> Totals:
        """To the end of what there is; as it prints it."""
        ran = subprocess.run(
            [*self._command, "--once"], capture_output=True, text=True, timeout=60, check=True
        )
        lines = [line.split() for line in ran.stdout.splitlines()]
        return {profile: (int(orders), float(amount)) for profile, orders, amount in lines}

    def totals(self) -> Totals:
        """As the process has written them so far."""
        if not self._database.exists():
            return {}
        db = sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=30)
        try:
            rows = db.execute("SELECT profile, orders, amount FROM totals WHERE orders > 0").fetchall()
        except sqlite3.OperationalError:  # its tables are being made
            rows = []
        finally:
            db.close()
        return {f"{profile:016x}": (orders, amount / 10_000) for profile, orders, amount in rows}


def order(number: int, total: float, hour: int, **who: Any) -> dict[str, Any]:
    return {
        "type": "track", "event": "Order Completed", "messageId": f"example-{number}",
        "timestamp": f"2026-04-01T{hour}:00:00Z", "properties": {"total": total}, **who,
    }  # fmt: skip


def revenue(up: Up) -> Totals:
    """By ClickHouse, of the orders that `order` makes."""
    rows = up.ask(
        "SELECT profile_id, toInt64(count()), sum(JSONExtractFloat(envelope, 'properties', 'total')) FROM events_resolved"
        " WHERE message_id LIKE 'example-%' GROUP BY profile_id"
    )
    return {profile: (orders, revenue) for profile, orders, revenue in rows}


def until_both_say(up: Up, example: Example, *wanted: tuple[int, float]) -> None:
    until(lambda: sorted(revenue(up).values()), sorted(wanted))
    people = revenue(up)
    until(
        lambda: {profile: total for profile, total in example.totals().items() if profile in people}, people
    )
