"""The example consumer as its user runs it, beside a running stack."""

import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.pipeline.up import Up

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
