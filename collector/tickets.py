"""Which requests wait for which Kafka messages, so that a delivery report reaches exactly those it concerns.

Absent: Kafka. Used from the event loop's thread only.
"""

import asyncio


class Ticket:
    """One request: done when all its records are, failed with the first of them that fails."""

    __slots__ = ("future", "pending")

    def __init__(self, records: int, future: "asyncio.Future[None]") -> None:
        self.pending = records
        self.future = future

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
        for ticket in self.tickets:  # in line, since it happens for every event
            ticket.pending -= 1
            if not ticket.pending and not ticket.future.done():
                ticket.future.set_result(None)

    def fail(self, error: Exception) -> None:
        for ticket in self.tickets:
            ticket.fail(error)
