"""A writer that shows when it is busy and that it lives: so an insert without end is told from one that waits its turn."""

from sinks.storing.delivery import Writer
from sinks.storing.rows import Rows


class AttendedWriter:
    """Passes everything on. One thread inserts, others look at `is_busy` and `beats`, which grows with each insert."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.is_busy = False
        self.beats = 0

    def insert(self, table: str, rows: Rows, token: str) -> None:
        self.beats += 1
        self.is_busy = True
        try:
            self._writer.insert(table, rows, token)
        finally:
            self.is_busy = False
