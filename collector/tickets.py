"""Which requests wait for which Kafka messages, so that a delivery report reaches exactly those it concerns.

Absent: Kafka. Used from the event loop's thread only.
"""

import asyncio
from collections.abc import Iterable


class Ticket:
    """One request: done when all its records are, failed with the first of them that fails."""

    __slots__ = ("_pending", "future")

    def __init__(self, records: int, future: "asyncio.Future[None]") -> None:
        self._pending = records
        self.future = future

    def record_done(self) -> None:
        self._pending -= 1
        if self._pending == 0 and not self.future.done():
            self.future.set_result(None)

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Parcel:
    """One Kafka message on its way. `tickets` has one entry for each record in it."""

    __slots__ = ("born", "tickets", "weight")

    def __init__(self, tickets: list[Ticket], weight: int, born: float) -> None:
        self.tickets = tickets
        self.weight = weight
        self.born = born

    def succeed(self) -> None:
        for ticket in self.tickets:
            ticket.record_done()

    def fail(self, error: Exception) -> None:
        fail_all(self.tickets, error)


def fail_all(tickets: Iterable[Ticket], error: Exception) -> None:
    for ticket in tickets:
        ticket.fail(error)
