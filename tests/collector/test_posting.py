"""A request is answered once whatever goes wrong, and a mistake of ours in one does not keep the others waiting."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from structlog.testing import capture_logs

from collector.answering import Answering, Call
from collector.exchange import Intake, Request
from collector.heads import Heads
from collector.holding import Holding
from collector.limits import Limits
from collector.meter import Meter
from collector.posting import Postings
from collector.publisher import Overloaded
from collector.reading import Head
from collector.rejection import Letter
from collector.replies import SUCCESS
from collector.routes import Sent
from collector.tickets import Ticket
from collector.visitor import CookieRules
from runtime.environment.settings import CollectorSettings
from runtime.kafka import KafkaUnavailable
from runtime.metrics import REQUESTS
from schemas.control import ControlState
from schemas.events.pack import PackedEvent
from schemas.sources.sources import Source

SHOP = Source(id="shop", write_key_hashes=[])
LIMITS = Limits(event_bytes_max=1, body_bytes_max=1, batch_events_max=1, shared_bytes_max=1)
EVENT = PackedEvent(
    workspace="main",
    source="shop",
    routing=b"main|a:1",
    type="track",
    message_id="m",
    received_at=0,
    sent_at="",
    context=b"",
    payload=b"{}",
    unsigned_links=False,
)


class Kafka:
    """Keeps what is to be told, or refuses."""

    problem = ""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.refusal = refusal
        self.waiting: list[Ticket] = []

    def publish(self, _events: Sequence[PackedEvent], _letters: Sequence[Letter], ticket: Ticket) -> None:
        if self.refusal:
            raise self.refusal
        self.waiting.append(ticket)


class Configuration:
    state = ControlState()
    problem = ""
    is_current = True


class Asked:
    """The server's side of one request: scope, protocol and watcher in one. `is_gone`: it takes no answer."""

    client = "192.0.2.1:1"

    def __init__(self, *, is_gone: bool = False) -> None:
        self.scope = self.proto = self
        self.is_gone = is_gone
        self.answers: list[int] = []
        self.body: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def __call__(self) -> "asyncio.Future[bytes]":
        return self.body

    def response_bytes(self, status: int, _headers: object, _body: bytes) -> None:
        if self.is_gone:
            raise ValueError("no such connection")
        self.answers.append(status)

    def response_empty(self, status: int, _headers: object) -> None:
        self.answers.append(status)


class Door:
    """Requests as they come, and what is behind them."""

    def __init__(self, kafka: Kafka, read: Callable[..., Intake]) -> None:
        settings = CollectorSettings()
        self.answering = Answering(Meter())
        holding = Holding(kafka, Configuration(), 5)  # type: ignore[arg-type]
        heads = Heads(settings, CookieRules(name="", days=1, secure="auto"), lambda now: b"")
        self.route = Sent("track", read)
        self.postings = Postings(settings, holding, heads, self.answering, LIMITS)

    async def asked(self, body: bytes = b"{}", *, is_gone: bool = False) -> Asked:
        asked = Asked(is_gone=is_gone)
        head = Head("POST", "/v1/track", "", {"content-length": "2"}, asked)  # type: ignore[arg-type]
        self.answering.begun += 1
        self.postings.begin(Call(asked, head, self.route, 0.0), self.route)  # type: ignore[arg-type]
        asked.body.set_result(body)
        await asyncio.sleep(0)
        return asked


def accepted(_request: Request, **_: object) -> Intake:
    return Intake(SUCCESS, SHOP, [EVENT])


@pytest.mark.parametrize(("error", "status"), [(None, 200), (KafkaUnavailable("away"), 503)])
def test_an_answer_waits_until_kafka_has_said(error: Exception | None, status: int) -> None:
    async def scenario() -> None:
        kafka = Kafka()
        door = Door(kafka, accepted)
        asked = await door.asked()
        assert (asked.answers, door.answering.busy) == ([], 1)
        kafka.waiting[0].settled(error)
        assert (asked.answers, door.answering.busy) == ([status], 0)

    asyncio.run(scenario())


def test_what_is_not_taken_is_answered_at_once() -> None:
    async def scenario() -> None:
        door = Door(Kafka(Overloaded("full")), accepted)
        asked = await door.asked()
        assert (asked.answers, door.answering.busy) == ([503], 0)

    asyncio.run(scenario())


def test_a_mistake_of_ours_is_answered_500_and_ends_the_request() -> None:
    def mistaken(_request: Request, **_: object) -> Intake:
        raise LookupError("a mistake")

    async def scenario() -> None:
        door = Door(Kafka(), mistaken)
        asked = await door.asked()
        assert asked.answers == [500]
        assert door.answering.busy == 0

    before = REQUESTS.counts["track", 500]
    with capture_logs() as told:
        asyncio.run(scenario())
    (line,) = told  # the server's own log is off
    assert (line["log_level"], line["path"]) == ("error", "track")
    assert isinstance(line["exc_info"], LookupError)
    assert REQUESTS.counts["track", 500] == before + 1


def test_who_is_cut_off_at_a_stop_is_no_mistake() -> None:
    async def scenario() -> None:
        door = Door(Kafka(), accepted)
        asked = Asked()
        door.answering.begun += 1
        door.answering.failed(asked, asyncio.CancelledError())  # type: ignore[arg-type]
        assert asked.answers == [500]
        assert door.answering.busy == 0

    with capture_logs() as told:
        asyncio.run(scenario())
    assert told == []


def test_an_answer_that_cannot_be_given_keeps_no_other_from_theirs() -> None:
    async def scenario() -> None:
        kafka = Kafka()
        door = Door(kafka, accepted)
        gone, there = await door.asked(is_gone=True), await door.asked()
        for ticket in kafka.waiting:
            ticket.settled(None)
        assert gone.answers == [500]
        assert there.answers == [200]
        assert door.answering.busy == 0

    asyncio.run(scenario())
