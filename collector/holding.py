"""Why an answer is not the one that the core gave: a source that is too fast, Kafka away, a configuration that may be too old.

An edge's part: it knows what state the collector is in. Absent: what becomes of the events.
"""

import time
from typing import Protocol

import structlog

from collector.exchange import Intake
from collector.publisher import Overloaded, Publisher
from collector.rates import RateLimits
from collector.replies import Reply, try_later
from schemas.control import ControlState
from schemas.events.reasons import Reason

log = structlog.get_logger()

UNKNOWN = (Reason.UNKNOWN_WRITE_KEY, Reason.UNKNOWN_WEBHOOK)


class Control(Protocol):
    """What the collector needs of runtime.control.ControlReader."""

    state: ControlState
    problem: str

    @property
    def is_current(self) -> bool: ...


class Holding:
    """Used on the event loop's thread."""

    def __init__(self, publisher: Publisher, control: Control, retry_after_s: int) -> None:
        self.publisher = publisher
        self.control = control
        self._retry_after_s = retry_after_s
        self._rates = RateLimits()

    def held_back(self, intake: Intake) -> Reply | None:
        """The reply when nothing of it will be published, else None."""
        if intake.source is None:
            return self.newest(intake.reply)
        # While Kafka is away the request is refused for that, and comes again: it must not cost its source anything.
        if intake.source.events_per_s_max is None or self.publisher.problem:
            return None
        records = len(intake.events) + len(intake.letters)
        wait_s = self._rates.wait_s(intake.source, records, time.monotonic())
        if not wait_s:
            return None
        return try_later(
            Reason.RATE_LIMITED,
            "the source sends more than it may: send the same again after Retry-After",
            wait_s,
        )

    def not_kept(self, error: Exception) -> Reply:
        if isinstance(error, Overloaded):
            return self._later(Reason.OVERLOADED, str(error))
        log.debug("not acknowledged", error=str(error))
        return self._later(Reason.KAFKA_UNAVAILABLE, "the event store does not answer")

    def newest(self, reply: Reply) -> Reply:
        """A wrong 401 would make clients drop events: without the newest configuration no key is unknown."""
        if reply.reason not in UNKNOWN:
            return reply
        if self.control.is_current and not self.publisher.problem:
            return reply
        return self._later(
            Reason.KAFKA_UNAVAILABLE,
            "this key or address may be newer than the configuration that could be read",
        )

    def _later(self, reason: Reason, detail: str) -> Reply:
        return try_later(reason, f"{detail}: send the same again after Retry-After", self._retry_after_s)
