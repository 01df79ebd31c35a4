"""The ledger: how many events went which way, per source and minute of receipt. Each chunk writes its own sums, so
sums of sums are exact. Beside them, as a stage of its own, what was left aside of events that were kept
(schemas/events/remarks.py).
"""

from collections.abc import Iterator

from schemas.events.remarks import Remark
from schemas.identity.identifiers import partition_of
from schemas.stream import OutputRecord
from schemas.topics import LEDGER
from schemas.wire.codec import encode_ledger_entry

MINUTE_MS = 60_000
_MINUTE_MS = MINUTE_MS  # a number of C, where this is C
REMARKS = "remarks"  # the stage of remarks: they say something of events that another stage counts

# Outcomes. `ACCEPTED` counts every event that was read: it equals the sum of the others.
ACCEPTED, RESOLVED, DUPLICATE, DEAD = "accepted", "resolved", "duplicate", "dead"
FORGOTTEN = "forgotten"  # somebody's who wanted to be forgotten: not stored
WITHHELD = "withheld"  # its client wants it in topics and not in our store (schemas/events/withheld.py)
DROPPED = "dropped"  # one of the deployment's own steps wanted it so: not stored

Line = tuple[str, str, int, str]  # workspace, source, minute, outcome


class Ledger:
    """The sums of one chunk."""

    def __init__(self, stage: str, partitions: int) -> None:
        self._stage = stage
        self._partitions = partitions
        self._counts: dict[Line, int] = {}  # a Counter takes three times as long to count one
        self._remarks: dict[Line, int] = {}

    def count(self, workspace: str, source: str, received_at: int, outcome: str) -> None:
        """One event read, with the way it took."""
        line = workspace, source, received_at - received_at % _MINUTE_MS, outcome
        self._counts[line] = self._counts.get(line, 0) + 1

    def remark(self, workspace: str, source: str, received_at: int, remark: Remark) -> None:
        line = workspace, source, received_at - received_at % MINUTE_MS, remark
        self._remarks[line] = self._remarks.get(line, 0) + 1

    def records(self) -> Iterator[OutputRecord]:
        accepted: dict[Line, int] = {}
        for (workspace, source, minute, _), events in self._counts.items():
            line = workspace, source, minute, ACCEPTED
            accepted[line] = accepted.get(line, 0) + events
        for stage, counts in ((self._stage, accepted), (self._stage, self._counts), (REMARKS, self._remarks)):
            for line, events in counts.items():
                yield self._record(stage, line, events)

    def _record(self, stage: str, line: Line, events: int) -> OutputRecord:
        workspace, source, minute, outcome = line
        key = source.encode()
        entry = {
            "workspace": workspace,
            "source": source,
            "stage": stage,
            "minute": minute,
            "outcome": outcome,
            "events": events,
        }
        return OutputRecord(LEDGER.name, partition_of(key, self._partitions), key, encode_ledger_entry(entry))
