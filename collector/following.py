"""What becomes of the event of a link that somebody follows: an edge, which waits for Kafka no longer than told.

A person is led on whatever happens here, and nobody sends a click again. So it is no promise as of other events that the answer
means that Kafka has it; instead each click is counted once, by what became of it: `kept`, `lost` (Kafka away or a queue full,
also when that shows after the answer), `limited` (the source's rate), `withheld` (the visitor's wish), `refused` (no
event that is taken), `ahead` (HEAD, and browsers that fetch what may be clicked on later).
"""

import asyncio
from collections.abc import Sequence
from typing import Literal, Protocol

import structlog

from collector.exchange import Intake, Request
from collector.publisher import Overloaded
from collector.rejection import Letter
from collector.tickets import Ticket
from runtime.kafka import KafkaUnavailable
from runtime.metrics import ACCEPTED, FOLLOWED_LINKS
from schemas.events.pack import PackedEvent

log = structlog.get_logger()

Outcome = Literal["kept", "lost", "limited", "withheld", "refused", "ahead"]


class Publishing(Protocol):
    """What is needed of publisher.Publisher, which says what it raises."""

    def publish(self, events: Sequence[PackedEvent], letters: Sequence[Letter], ticket: Ticket) -> None: ...


class Following:
    """`wait_s` is for the event's acknowledgement, and before the answer."""

    def __init__(self, publisher: Publishing, wait_s: float) -> None:
        self._publisher = publisher
        self._wait_s = wait_s

    async def keep(self, intake: Intake) -> None:
        """What takes longer than the wait goes on, and is counted when it is known."""
        click = _Click(intake)
        try:
            self._publisher.publish(intake.events, intake.letters, click)
        except (Overloaded, KafkaUnavailable) as error:
            _lost(error)
            return
        await asyncio.wait({click.done}, timeout=self._wait_s)


class _Click(Ticket):
    """Settled also after its answer."""

    def __init__(self, intake: Intake) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self._intake = intake

    def settled(self, error: Exception | None) -> None:
        self.done.set_result(None)
        intake = self._intake
        if error:
            _lost(error)
        elif intake.events and intake.source:
            ACCEPTED.counts[intake.source.id,] += len(intake.events)
            count("kept")
        else:
            count("refused")


def count(outcome: Outcome) -> None:
    FOLLOWED_LINKS.counts[outcome,] += 1


def unkept(intake: Intake, request: Request) -> Outcome:
    """Of a link that makes no event."""
    if request.method == "HEAD" or request.is_ahead:
        return "ahead"
    return "withheld" if intake.dropped else "lost"


def _lost(error: Exception) -> None:
    count("lost")
    log.debug("a click is lost", error=str(error))
