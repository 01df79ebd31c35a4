"""A request is answered when its last record is, and fails alone."""

import asyncio

from collector.tickets import Parcel, Ticket


def tickets(*records: int) -> list[Ticket]:
    loop = asyncio.get_running_loop()
    return [Ticket(count, loop.create_future()) for count in records]


def test_a_request_is_done_when_all_its_records_are() -> None:
    async def scenario() -> None:
        (ticket,) = tickets(3)
        Parcel([ticket, ticket], 0, 0.0).succeed()
        assert not ticket.future.done()
        Parcel([ticket], 0, 0.0).succeed()
        assert ticket.future.done()

    asyncio.run(scenario())


def test_a_failed_parcel_reaches_exactly_its_requests() -> None:
    async def scenario() -> None:
        mine, shared, other = tickets(1, 2, 1)
        lost = Parcel([mine, shared], 0, 0.0)
        kept = Parcel([shared, other], 0, 0.0)
        lost.fail(ValueError("lost"))
        kept.succeed()
        assert isinstance(mine.future.exception(), ValueError)
        assert isinstance(shared.future.exception(), ValueError)
        assert other.future.result() is None

    asyncio.run(scenario())
