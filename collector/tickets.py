"""Which requests wait for which Kafka messages, so that a delivery report reaches exactly those it concerns.

Absent: Kafka. Used from the event loop's thread only.
"""


class Ticket:
    """One request: settled when all its records are, or with the first of them that fails. `pending` is how many it waits for.

    Who waits is a kind of ticket, and says what becomes of it.
    """

    __slots__ = ("pending",)

    pending: int  # set by whoever takes it

    def settled(self, error: Exception | None) -> None:
        """Called once, with what went wrong. Raises nothing."""
        raise NotImplementedError

    def fail(self, error: Exception) -> None:
        if self.pending > 0:
            self.pending = 0
            self.settled(error)


class Parcel:
    """One Kafka message on its way. `tickets` has one entry for each record in it."""

    __slots__ = ("born", "tickets", "weight")

    def __init__(self, tickets: list[Ticket], weight: int, born: float) -> None:
        self.tickets = tickets
        self.weight = weight
        self.born = born

    def succeed(self) -> None:
        for (
            ticket
        ) in self.tickets:  # in line, since it happens for every event; one that has failed is below 0 then
            ticket.pending -= 1
            if not ticket.pending:
                ticket.settled(None)

    def fail(self, error: Exception) -> None:
        for ticket in self.tickets:
            ticket.fail(error)
