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
        self._requests, self._accepted = REQUESTS.counts, ACCEPTED.counts

    def request(self, path: str, status: int, seconds: float) -> None:
        self._requests[path, status] += 1
        REQUEST_SECONDS.observe(seconds)

    def failed(self, path: str) -> None:
        self._requests[path, 500] += 1

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
            self._accepted[source,] += events
        if source and dropped:
            for reason, count in dropped.items():
                DROPPED.counts[source, reason] += count
        for letter in letters:
            self.refused(letter.reason)
