"""Visitors who are not to be followed, at two real collectors: what their browsers are given, and what reaches Kafka."""

import json
from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any

import httpx
import pytest
from confluent_kafka import Consumer, TopicPartition

from collector.daily import PREFIX
from runtime.environment.settings import KafkaSettings
from runtime.kafka import client_config
from schemas.events.pack import PackedEvent, Seen, decode_pack
from schemas.topics import EVENTS_RAW
from tests.collector.process import (
    KEY,
    Collector,
    add_source,
    ask,
    dead_letters,
    environment,
    post,
    prepare,
    running,
    until,
)

ORIGIN = {"origin": "https://www.shop.example", "user-agent": "Firefox"}
GPC = ORIGIN | {"sec-gpc": "1"}
OUT = ORIGIN | {"cookie": "stitchline_id=kept; stitchline_optout=1"}
STRICT, ASKING = "strict-key", "asking-key"


def knows(collector: Collector, key: str) -> bool:
    return post(collector, "/v1/visitor", {}, key).status_code == 200


class Stage:
    """`events` are all that Kafka has so far, by their names; what was answered 200 is there."""

    def __init__(self, kafka: KafkaSettings, one: Collector, other: Collector, reader: Consumer) -> None:
        self.kafka, self.one, self.other = kafka, one, other
        self._reader = reader
        self._events: dict[str, PackedEvent] = {}

    def event(self, name: str) -> PackedEvent:
        until(lambda: name in self.events())
        return self._events[name]

    def events(self) -> dict[str, PackedEvent]:
        while (message := self._reader.poll(0.05)) is not None:
            assert message.error() is None, message.error()
            for event in decode_pack(message.value() or b"").events:
                self._events[str(said(event).get("event"))] = event
        return self._events


def said(event: PackedEvent) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(event.payload)
    return found


@pytest.fixture(scope="module")
def stage(kafka: str) -> Iterator[Stage]:
    environ = environment(kafka)
    settings = prepare(environ)
    add_source(settings, "strict", STRICT, privacy={"gpc": "drop", "dnt": "drop", "address": "drop"})
    consent = {"categories": ["analytics", "ads"], "needed": "analytics"}
    add_source(settings, "asking", ASKING, consent=consent)
    with running(environ) as one, running(environ) as other:
        for key, collector in product((STRICT, ASKING), (one, other)):
            until(partial(knows, collector, key))
        reader = Consumer(client_config(settings) | {"group.id": "reader", "auto.offset.reset": "earliest"})
        topic = EVENTS_RAW.full_name(settings.topic_prefix)
        reader.assign([TopicPartition(topic, partition, 0) for partition in range(settings.partitions)])
        yield Stage(settings, one, other, reader)
        reader.close()


def track(
    collector: Collector, name: str, key: str = KEY, headers: dict[str, str] = ORIGIN, **more: Any
) -> httpx.Response:
    answer = post(collector, "/v1/track", {"event": name, **more}, key, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    return answer


def dropped(stage: Stage, source: str, reason: str) -> float:
    line = f'stitchline_collector_dropped_events_total{{reason="{reason}",source="{source}"}} '
    other = f'stitchline_collector_dropped_events_total{{source="{source}",reason="{reason}"}} '
    text = ask(stage.one, "GET", "/metrics").text
    found = [row.rpartition(" ")[2] for row in text.splitlines() if row.startswith((line, other))]
    return float(found[0]) if found else 0.0


def test_all_collectors_know_a_visitor_without_a_cookie_by_one_name(stage: Stage) -> None:
    answers = [
        track(stage.one, "First", headers=GPC, anonymousId="mine"),
        track(stage.other, "Second", headers=GPC | {"cookie": "stitchline_id=kept"}),
    ]
    assert [answer.headers.get("set-cookie") for answer in answers] == [None, None]
    track(stage.one, "Another browser", headers=GPC | {"user-agent": "Chrome"})
    events = [stage.event("First"), stage.event("Second")]
    names = {said(event)["anonymousId"] for event in events}
    assert len(names) == 1
    assert names.pop().startswith(PREFIX)
    assert [event.seen for event in events] == [Seen(signals=("gpc", "cookieless"))] * 2
    assert [event.connection.address for event in events if event.connection] == ["127.0.0.0"] * 2
    assert stage.event("Another browser").routing != events[0].routing


def test_a_browser_that_opted_out_is_answered_and_never_stored(stage: Stage) -> None:
    before = dropped(stage, "shop", "optout")
    track(stage.one, "Opted out", headers=OUT)
    batch = {"batch": [{"type": "track", "event": "Opted out"}, {"type": "nonsense", "event": "Opted out"}]}
    assert post(stage.one, "/v1/batch", batch, headers=OUT).json() == {"success": True}
    image = ask(
        stage.one, "GET", f"/v1/pixel/track?writeKey={KEY}&data=eyJldmVudCI6Ik9wdGVkIG91dCJ9", headers=OUT
    )
    assert (image.status_code, image.headers["content-type"]) == (200, "image/gif")
    visitor = post(stage.one, "/v1/visitor", {"anonymousId": "said"}, headers=OUT)
    assert (visitor.json()["anonymousId"], visitor.headers.get("set-cookie")) == ("said", None)
    assert dropped(stage, "shop", "optout") - before == 4
    track(stage.one, "Afterwards")
    stage.event("Afterwards")
    assert "Opted out" not in stage.events()
    assert not [letter for letter in dead_letters(stage.kafka) if "Opted out" in str(letter["payload"])]


def test_opting_out_and_back_in_is_a_form_on_a_page(stage: Stage) -> None:
    with httpx.Client(base_url=stage.one.url, headers={"accept": "text/html"}, timeout=30) as browser:
        assert "may be recorded" in browser.get("/v1/optout").text
        assert "not recorded" in browser.post("/v1/optout?out=1").text
        assert browser.cookies["stitchline_optout"] == "1"
        assert "not recorded" in browser.get("/v1/optout").text
        assert "may be recorded" in browser.post("/v1/optout?out=0").text
        assert "stitchline_optout" not in browser.cookies


def test_a_source_may_let_signals_drop_and_keep_no_address(stage: Stage) -> None:
    track(stage.one, "With GPC", STRICT, GPC)
    track(stage.one, "With DNT", STRICT, ORIGIN | {"dnt": "1"})
    track(stage.one, "Without", STRICT, context={"ip": "203.0.113.77"})
    event = stage.event("Without")
    assert event.connection is not None
    assert (event.connection.address, said(event)["context"]) == ("", {"ip": ""})
    assert {"With GPC", "With DNT"}.isdisjoint(stage.events())
    assert (dropped(stage, "strict", "gpc"), dropped(stage, "strict", "dnt")) == (1, 1)


def test_a_refusal_is_kept_to_whatever_library_sends_it(stage: Stage) -> None:
    answers = {
        said: track(
            stage.one,
            said,
            ASKING,
            anonymousId="mine",
            context={"consent": {"categoryPreferences": preferences}},
        )
        for said, preferences in (
            ("Granted", {"analytics": True}),
            ("Denied", {"analytics": False}),
            ("Undecided", {}),
        )
    }
    assert ["set-cookie" in answer.headers for answer in answers.values()] == [True, False, False]
    granted, undecided = stage.event("Granted"), stage.event("Undecided")
    assert (granted.seen, said(granted)["anonymousId"]) == (Seen(state="granted"), "mine")
    assert undecided.seen == Seen(state="pending", signals=("cookieless",))
    assert "Denied" not in stage.events()
    assert dropped(stage, "asking", "consent") == 1


def test_a_withdrawal_takes_the_cookie_away(stage: Stage) -> None:
    answer = post(
        stage.one, "/v1/visitor", {"forget": True}, headers=ORIGIN | {"cookie": "stitchline_id=kept"}
    )
    assert answer.headers["set-cookie"].startswith("stitchline_id=; Path=/; Max-Age=0;")
