"""Counts of the collector's work. Looks each labelled counter up once: `labels()` costs more than counting."""

from functools import cache

from prometheus_client import Counter

from collector.intake import Intake
from collector.replies import Reply
from runtime.metrics import ACCEPTED, REJECTED, REQUEST_SECONDS, REQUESTS
from schemas.reasons import Reason


class Meter:
    """Labels are bounded: known paths, statuses, sources and reasons."""

    def __init__(self) -> None:
        self._requests = cache(lambda path, status: REQUESTS.labels(path, status))
        self._accepted = cache(ACCEPTED.labels)
        self._rejected = cache(REJECTED.labels)

    def request(self, path: str, status: int, seconds: float) -> None:
        requests: Counter = self._requests(path, status)
        requests.inc()
        REQUEST_SECONDS.observe(seconds)

    def refused(self, reason: Reason) -> None:
        self._rejected(reason.value).inc()

    def intake(self, intake: Intake, reply: Reply) -> None:
        """`reply` is what was answered: the intake's own, or a 503 in its place."""
        if reply is not intake.reply and reply.reason:
            self.refused(reply.reason)
            return
        if intake.events and intake.source:
            self._accepted(intake.source.id).inc(len(intake.events))
        for letter in intake.letters:
            self.refused(letter.reason)
        if reply.reason and not intake.letters:
            self.refused(reply.reason)
