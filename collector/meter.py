"""Counts of the collector's work: which metric grows for what. Called on the event loop's thread only."""

from collector.exchange import Intake
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
        if reply is not intake.reply and reply.reason:
            self.refused(reply.reason)
            return
        source = intake.source
        if source is not None and intake.events:
            self._accepted[source.id,] += len(intake.events)
        if source is not None and intake.dropped:
            for reason, events in intake.dropped.items():
                DROPPED.counts[source.id, reason] += events
        for letter in intake.letters:
            self.refused(letter.reason)
        if reply.reason and not intake.letters:
            self.refused(reply.reason)
