"""A request is answered once whatever goes wrong, and a mistake of ours in one does not keep the others waiting."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from structlog.testing import capture_logs

from collector.answering import Answering
from collector.exchange import Intake, Request
from collector.heads import Heads
from collector.holding import Holding
from collector.http.head import Head
from collector.http.incoming import Incoming, Line
from collector.limits import Limits
from collector.meter import Meter
from collector.posting import Postings
from collector.publisher import Overloaded
from collector.reception import Reception
from collector.rejection import Letter
from collector.replies import SUCCESS
from collector.routes import Routes, Sent
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


class Client(Line):
    """Who sent one request, and keeps the statuses of its answers. `is_gone`: it takes none but the last, of a mistake."""

    def __init__(self, *, is_gone: bool = False) -> None:
        self.is_gone = is_gone
        self.answers: list[int] = []

    def answer(self, _incoming: Incoming, head: bytes, _body: bytes, _closes: bool) -> None:
        status = int(head.split()[1])
        if self.is_gone and status == 200:
            raise ValueError("no such connection")
        self.answers.append(status)


class Door:
    """Requests as they come, and what is behind them."""

    def __init__(self, kafka: Kafka, read: Callable[..., Intake]) -> None:
        settings = CollectorSettings()
        self.answering = Answering(Meter())
        holding = Holding(kafka, Configuration(), 5)  # type: ignore[arg-type]
        heads = Heads(settings, CookieRules(name="", days=1, secure="auto"), lambda now: b"")
        self.routes = Routes({"/v1/track": Sent("track", read)}, {}, None, None)  # type: ignore[arg-type]
        self.postings = Postings(settings, holding, heads, self.answering, LIMITS)

    def asked(self, *, is_gone: bool = False) -> list[int]:
        """The statuses that a client is answered."""
        client = Client(is_gone=is_gone)
        incoming = Incoming(client, Head("POST", "/v1/track", "", {"content-length": "2"}), True, False)
        reception = Reception(Configuration(), self.routes, self.answering, self.postings, lambda _: None)
        assert reception.begin(incoming) == CollectorSettings().body_bytes_max
        reception.whole(incoming, b"{}")
        return client.answers


def accepted(_request: Request, **_: object) -> Intake:
    return Intake(SUCCESS, SHOP, [EVENT])


@pytest.mark.parametrize(("error", "status"), [(None, 200), (KafkaUnavailable("away"), 503)])
def test_an_answer_waits_until_kafka_has_said(error: Exception | None, status: int) -> None:
    kafka = Kafka()
    door = Door(kafka, accepted)
    answers = door.asked()
    assert (answers, door.answering.busy) == ([], 1)
    kafka.waiting[0].settled(error)
    assert (answers, door.answering.busy) == ([status], 0)


def test_what_is_not_taken_is_answered_at_once() -> None:
    door = Door(Kafka(Overloaded("full")), accepted)
    assert (door.asked(), door.answering.busy) == ([503], 0)


def test_a_mistake_of_ours_is_answered_500_and_ends_the_request() -> None:
    def mistaken(_request: Request, **_: object) -> Intake:
        raise LookupError("a mistake")

    door = Door(Kafka(), mistaken)
    before = REQUESTS.counts["track", 500]
    with capture_logs() as told:
        assert door.asked() == [500]
    assert door.answering.busy == 0
    (line,) = told
    assert (line["log_level"], line["path"]) == ("error", "track")
    assert isinstance(line["exc_info"], LookupError)
    assert REQUESTS.counts["track", 500] == before + 1


def test_who_is_cut_off_at_a_stop_is_no_mistake() -> None:
    door, client = Door(Kafka(), accepted), Client()
    door.answering.begun += 1
    with capture_logs() as told:
        door.answering.failed(
            Incoming(client, Head("GET", "/ready", "", {}), True, False), asyncio.CancelledError()
        )
    assert client.answers == [500]
    assert (door.answering.busy, told) == (0, [])


def test_an_answer_that_cannot_be_given_keeps_no_other_from_theirs() -> None:
    kafka = Kafka()
    door = Door(kafka, accepted)
    gone, there = door.asked(is_gone=True), door.asked()
    for ticket in kafka.waiting:
        ticket.settled(None)
    assert (gone, there, door.answering.busy) == ([500], [200], 0)
