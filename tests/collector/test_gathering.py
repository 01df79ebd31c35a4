"""What waits for Kafka is sent when as many are here as were answered last, and nobody waits longer than told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hypothesis import given
from hypothesis import strategies as st

from collector.gathering import Gathering
from collector.publisher import Publisher
from collector.tickets import Ticket
from runtime.environment.settings import CollectorSettings, KafkaSettings
from schemas.events.pack import PackedEvent, decode_pack
from schemas.identity.identifiers import ANONYMOUS, node_key
from schemas.topics import EVENTS_RAW
from tests.collector.process import WAIT_S, environment, messages, prepare

LONG_MS = 600_000  # nobody waits for its end
SHORT_S = 0.3


def test_a_lone_request_waits_for_nobody() -> None:
    gathering = Gathering()
    for _ in range(3):
        assert gathering.is_complete(1)
        gathering.sent(1, beside_others=False)


@given(st.integers(1, 1_000), st.lists(st.integers(1, 1_000), min_size=1, max_size=5))
def test_as_many_are_expected_as_were_on_their_way_together(first: int, beside: list[int]) -> None:
    gathering = Gathering()
    gathering.sent(first, beside_others=False)
    for requests in beside:
        gathering.sent(requests, beside_others=True)
    assert not gathering.is_complete(first + sum(beside) - 1)
    assert gathering.is_complete(first + sum(beside))


def test_who_does_not_come_again_is_waited_for_once() -> None:
    gathering = Gathering()
    gathering.sent(32, beside_others=False)
    assert not gathering.is_complete(31)
    gathering.sent(31, beside_others=False)  # the time limit has ended it
    assert gathering.is_complete(31)


def event(number: int) -> PackedEvent:
    """All of one visitor, and so of one partition."""
    return PackedEvent(
        workspace="main",
        source="shop",
        routing=node_key("main", ANONYMOUS, "a"),
        type="track",
        message_id=f"m{number}",
        received_at=0,
        sent_at="",
        context=b"",
        payload=b"{}",
        unsigned_links=False,
    )


@asynccontextmanager
async def publishing(kafka: KafkaSettings, gather_ms_max: int) -> AsyncIterator[Publisher]:
    publisher = Publisher(kafka, CollectorSettings(gather_ms_max=gather_ms_max))
    publisher.start()
    try:
        async with asyncio.timeout(WAIT_S):
            while publisher.problem:
                await asyncio.sleep(0.02)
        yield publisher
    finally:
        await publisher.close(10)


class Waiting(Ticket):
    """`done` is when it is settled."""

    def __init__(self) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settled(self, error: Exception | None) -> None:
        if error:
            self.done.set_exception(error)
        else:
            self.done.set_result(None)


def sent(publisher: Publisher, number: int) -> "asyncio.Future[None]":
    """Done when the event is acknowledged."""
    waiting = Waiting()
    publisher.publish([event(number)], [], waiting)
    return waiting.done


def packs(kafka: KafkaSettings) -> list[list[str]]:
    """Of each pack, the message ids."""
    values = messages(kafka, EVENTS_RAW.name)
    return [[event.message_id for event in decode_pack(value).events] for value in values]


def test_events_of_several_requests_that_come_again_are_one_pack(kafka: str) -> None:
    settings = prepare(environment(kafka))

    async def scenario() -> None:
        async with publishing(settings, LONG_MS) as publisher:
            await asyncio.gather(*(sent(publisher, number) for number in range(3)))
            two = [sent(publisher, number) for number in (3, 4)]
            await asyncio.sleep(SHORT_S)
            assert not any(done.done() for done in two)
            await asyncio.gather(*two, sent(publisher, 5))

    asyncio.run(scenario())
    assert packs(settings) == [["m0", "m1", "m2"], ["m3", "m4", "m5"]]


def test_who_is_missing_is_waited_for_no_longer_than_told(kafka: str) -> None:
    settings = prepare(environment(kafka))

    async def scenario() -> None:
        async with publishing(settings, 50) as publisher:
            await asyncio.gather(*(sent(publisher, number) for number in range(3)))
            await sent(publisher, 3)

    asyncio.run(scenario())
    assert packs(settings) == [["m0", "m1", "m2"], ["m3"]]
