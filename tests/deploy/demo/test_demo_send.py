"""Every client's events reach a real collector, also where a client cannot be run: then something stands in, and says so."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.demo import javascript
from deploy.demo.libraries import Door, NotAccepted, by_segment_node, by_segment_python
from deploy.demo.plan import BROWSER, Traffic
from deploy.demo.send import Sent, send
from deploy.demo.traffic import make_traffic
from runtime.environment.settings import KafkaSettings
from tests.collector import process

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.timeout(300)


class Place(Door, frozen=True):
    kafka: KafkaSettings


@pytest.fixture(scope="module")
def place(kafka: str) -> Iterator[Place]:
    environ = process.environment(kafka)
    settings = process.prepare(environ)
    with process.running(environ) as collector:
        yield Place(collector.url, process.KEY, settings)


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    return make_traffic(40, 3, NOW)


def sent_where(traffic: Traffic, place: Place) -> dict[str, Sent]:
    """By client; a stand-in by its note's first words."""
    sent = asyncio.run(send(traffic, place, lambda: NOW))
    assert sum(one.events for one in sent) == len(traffic.sendings) + len(traffic.refused)
    return {one.note.partition(":")[0] or one.client: one for one in sent}


def test_without_node_or_a_browser_the_same_events_arrive_by_http_and_it_is_said(
    traffic: Traffic, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(javascript, "MODULES", Path("/nowhere"))
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    sent = sent_where(traffic, place)
    assert "make setup" in sent["in place of @segment/analytics-node"].note
    assert "install one" in sent["in place of a browser"].note
    arrived = Counter(event.message_id for event in process.raw_events(place.kafka))
    planned = Counter(sending.call.message_id for sending in traffic.sendings)
    assert not planned - arrived, "each at least as often as it was sent"
    assert set(arrived) - set(planned) == {event["messageId"] for event in traffic.refused[:2]}


def test_a_browser_sends_what_it_was_to_send(chromium: Path, traffic: Traffic, place: Place) -> None:
    assert traffic.sent_by(BROWSER)
    assert "the pixel, in Chromium" in sent_where(traffic, place)


def test_a_browser_that_does_not_start_is_said(
    traffic: Traffic, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHROMIUM", "/bin/false")
    assert "/bin/false does not start" in sent_where(traffic, place)["in place of a browser"].note


@pytest.mark.parametrize("key", ["nobody's key"])
def test_what_a_client_could_not_bring_is_an_error(traffic: Traffic, place: Place, key: str) -> None:
    calls, door = [sending.call for sending in traffic.sendings[:3]], Door(place.collector, key)
    with pytest.raises(NotAccepted, match="segment-analytics-python"):
        by_segment_python(calls, door)
    with pytest.raises(NotAccepted, match="@segment/analytics-node"):
        asyncio.run(by_segment_node(calls, door))
