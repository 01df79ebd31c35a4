"""Who follows a link is led on, whatever becomes of the click, and each click is counted once."""

import asyncio
from collections.abc import Iterator, Sequence

import msgspec
import pytest

from collector.exchange import Intake, Request
from collector.following import Following, unkept
from collector.publisher import Overloaded
from collector.rejection import Letter
from collector.replies import Reply
from collector.tickets import Ticket
from runtime.control import write_control
from runtime.environment.settings import KafkaSettings
from runtime.kafka import KafkaUnavailable
from runtime.metrics import ACCEPTED, FOLLOWED_LINKS
from schemas.events.pack import PackedEvent
from schemas.sources.quotas import QuotaStop
from schemas.sources.sources import Source
from tests.collector.process import (
    Collector,
    add_source,
    ask,
    dead_letters,
    environment,
    prepare,
    raw_events,
    running,
    until,
)

SHOP = Source(id="a shop of this file", write_key_hashes=[], redirect_domains=["shop.example"])
EVENT = PackedEvent(
    workspace="main",
    source=SHOP.id,
    routing=b"main|a:1",
    type="track",
    message_id="m",
    received_at=0,
    sent_at="",
    context=b"",
    payload=b"{}",
    unsigned_links=False,
)
CLICK = Intake(Reply(302, b""), SHOP, [EVENT])
TO = "to=https%3A%2F%2Fshop.example%2Fspring"


class Kafka:
    """Acknowledges when it is told to."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.refusal = refusal
        self.ticket: Ticket | None = None

    def publish(self, events: Sequence[PackedEvent], letters: Sequence[Letter], ticket: Ticket) -> None:
        if self.refusal:
            raise self.refusal
        assert (list(events), list(letters)) == (CLICK.events, CLICK.letters)
        self.ticket = ticket


@pytest.fixture(autouse=True)
def counted() -> Iterator[None]:
    FOLLOWED_LINKS.counts.clear()
    ACCEPTED.counts.clear()
    yield
    FOLLOWED_LINKS.counts.clear()
    ACCEPTED.counts.clear()


def outcomes() -> dict[tuple[str | int, ...], int]:
    return dict(FOLLOWED_LINKS.counts)


@pytest.mark.parametrize("refusal", [Overloaded("full"), KafkaUnavailable("away")])
def test_a_click_that_cannot_be_taken_is_lost_and_counted(refusal: Exception) -> None:
    asyncio.run(Following(Kafka(refusal), 60).keep(CLICK))
    assert outcomes() == {("lost",): 1}


def test_a_click_that_is_acknowledged_in_time_is_kept() -> None:
    async def scenario() -> None:
        kafka = Kafka()
        keeping = asyncio.ensure_future(Following(kafka, 60).keep(CLICK))
        await asyncio.sleep(0)
        assert kafka.ticket
        kafka.ticket.settled(None)
        await keeping

    asyncio.run(scenario())
    assert outcomes() == {("kept",): 1}
    assert dict(ACCEPTED.counts) == {(SHOP.id,): 1}


@pytest.mark.parametrize(("error", "outcome"), [(None, "kept"), (KafkaUnavailable("away"), "lost")])
def test_what_takes_longer_than_the_wait_is_counted_when_it_is_known(
    error: Exception | None, outcome: str
) -> None:
    async def scenario() -> None:
        kafka = Kafka()
        await Following(kafka, 0).keep(CLICK)
        assert not outcomes()
        assert kafka.ticket
        kafka.ticket.settled(error)

    asyncio.run(scenario())
    assert outcomes() == {(outcome,): 1}


@pytest.mark.parametrize(
    ("intake", "request_", "outcome"),
    [
        (Intake(CLICK.reply, SHOP), Request(method="HEAD", path="/r/shop"), "ahead"),
        (Intake(CLICK.reply, SHOP), Request(method="GET", path="/r/shop", is_ahead=True), "ahead"),
        (Intake(CLICK.reply, SHOP, dropped={"gpc": 1}), Request(method="GET", path="/r/shop"), "withheld"),
        (Intake(CLICK.reply), Request(method="GET", path="/r/shop"), "lost"),
    ],
)
def test_a_link_without_an_event_says_why_there_is_none(
    intake: Intake, request_: Request, outcome: str
) -> None:
    assert unkept(intake, request_) == outcome


@pytest.fixture(scope="module")
def served(kafka: str) -> Iterator[tuple[Collector, KafkaSettings]]:
    environ = environment(kafka)
    settings = prepare(environ)
    quota = {"events_per_month_max": 5}
    add_source(settings, "spent", "spent-key", redirect_domains=["shop.example"], quota=quota)
    stop = QuotaStop(source="spent", period="month", events_max=5, until=2**42)
    write_control(settings, {stop.key: msgspec.json.encode(stop)}, "test")
    add_source(settings, "linked", "linked-key", redirect_domains=["shop.example"], paths={"redirect": "/go"})
    with running(environ) as collector:
        until(lambda: ask(collector, "HEAD", f"/r/linked?{TO}").status_code == 302)
        yield collector, settings


def test_a_click_is_in_kafka_and_its_visitor_has_a_cookie(served: tuple[Collector, KafkaSettings]) -> None:
    collector, settings = served
    navigation = {"sec-fetch-mode": "navigate", "user-agent": "A browser", "referer": "https://mail.example/"}
    reply = ask(collector, "GET", f"/r/linked?{TO}&name=one", headers=navigation)
    assert (reply.status_code, reply.headers["location"]) == (302, "https://shop.example/spring")
    assert reply.headers["cache-control"] == "no-store, private"
    visitor = reply.cookies["stitchline_id"]
    again = ask(collector, "GET", f"/r/linked?{TO}&name=two", headers=navigation, cookies=dict(reply.cookies))
    assert "set-cookie" not in again.headers
    until(lambda: len(raw_events(settings)) >= 2)
    events = sorted(raw_events(settings), key=lambda event: event.payload)
    assert [visitor.encode() in event.payload for event in events] == [True, True]
    assert [event.source for event in events] == ["linked", "linked"]
    assert events[0].connection is not None
    assert events[0].connection.user_agent == "A browser"


def test_looking_ahead_leads_on_and_counts_nothing(served: tuple[Collector, KafkaSettings]) -> None:
    collector, settings = served
    before = len(raw_events(settings))
    for method, headers in (
        ("HEAD", {}),
        ("GET", {"sec-purpose": "prefetch;prerender"}),
        ("GET", {"x-moz": "prefetch"}),
    ):
        reply = ask(collector, method, f"/r/linked?{TO}", headers=headers)
        assert (reply.status_code, reply.headers["location"]) == (302, "https://shop.example/spring")
    assert len(raw_events(settings)) == before
    assert 'followed_links_total{outcome="ahead"}' in ask(collector, "GET", "/metrics").text


def test_a_click_over_the_quota_leads_on_and_waits_as_a_dead_letter(
    served: tuple[Collector, KafkaSettings],
) -> None:
    collector, settings = served
    reply = ask(collector, "GET", f"/r/spent?{TO}", headers={"sec-fetch-mode": "navigate"})
    assert (reply.status_code, reply.headers["location"]) == (302, "https://shop.example/spring")
    until(lambda: [letter["source"] for letter in dead_letters(settings)] == ["spent"])
    assert all(event.source != "spent" for event in raw_events(settings))


def test_a_bad_link_is_a_text_for_a_person(served: tuple[Collector, KafkaSettings]) -> None:
    collector, _ = served
    reply = ask(collector, "GET", "/r/linked?to=https%3A%2F%2Fevil.example%2F")
    assert reply.status_code == 403
    assert "evil.example" in reply.text
    assert reply.headers["content-type"].startswith("text/plain")
    assert ask(collector, "GET", f"/r/nobody?{TO}").status_code == 404
    assert ask(collector, "POST", f"/r/linked?{TO}").status_code == 405
