"""Counts of the collector's work: which metric grows for what. Called on the event loop's thread only."""

from collections.abc import Mapping, Sequence

from collector.exchange import Intake
from collector.rejection import Letter
from collector.replies import Reply
from runtime.metrics import ACCEPTED, DROPPED, REJECTED, REQUEST_SECONDS, REQUESTS
from schemas.events.reasons import Reason


class Meter:
    """Labels are bounded: known paths, statuses, sources and reasons."""

    def __init__(self) -> None:
        # Nearly always the same is counted as before: so the last one's cell is at hand.
        self._path, self._status, self._requests = "", 0, [0]
        self._source, self._accepted = "", [0]
        self._bounds, self._counts, self._sums = (
            REQUEST_SECONDS.bounds,
            REQUEST_SECONDS.counts,
            REQUEST_SECONDS.sums,
        )

    def request(self, path: str, status: int, seconds: float) -> None:
        if path != self._path or status != self._status:
            self._path, self._status, self._requests = path, status, REQUESTS.cell(path, status)
        self._requests[0] += 1
        place = 0
        for bound in self._bounds:
            if seconds <= bound:
                break
            place += 1
        self._counts[place] += 1
        self._sums[0] += seconds

    def failed(self, path: str) -> None:
        REQUESTS.counts[path, 500] += 1

    def refused(self, reason: Reason) -> None:
        REJECTED.counts[reason.value,] += 1

    def intake(self, intake: Intake, reply: Reply) -> None:
        """`reply` is what was answered: the intake's own, or a 503 in its place."""
        if reply is intake.reply:
            source = "" if intake.source is None else intake.source.id
            self.kept(source, len(intake.events), intake.letters, intake.dropped)
        if reply.reason and not (reply is intake.reply and intake.letters):
            self.refused(reply.reason)

    def kept(self, source: str, events: int, letters: Sequence[Letter], dropped: Mapping[str, int]) -> None:
        """`source` is its id, "" of a stranger."""
        if source and events:
            if source != self._source:
                self._source, self._accepted = source, ACCEPTED.cell(source)
            self._accepted[0] += events
        if source and dropped:
            for reason, count in dropped.items():
                DROPPED.counts[source, reason] += count
        for letter in letters:
            self.refused(letter.reason)
