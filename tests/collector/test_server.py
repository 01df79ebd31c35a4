"""A real collector on a real broker: what it answers is what Kafka has."""

import json
import signal
import socket
from collections.abc import Iterator

import httpx
import pytest
import segment.analytics
import segment.analytics.request

from collector.rejection import Refusal, dead_letter
from collector.script import FILE
from runtime.environment.settings import KafkaSettings
from schemas.events.pack import PackedEvent
from schemas.events.reasons import Reason
from schemas.identity.identifiers import partition_of
from schemas.sources.sources import Source
from tests import plain_http
from tests.avro import deserialise
from tests.collector.process import (
    KEY,
    WAIT_S,
    Collector,
    add_source,
    ask,
    dead_letters,
    environment,
    post,
    prepare,
    raw_events,
    running,
    until,
)


@pytest.fixture(scope="module")
def environ(kafka: str) -> dict[str, str]:
    return environment(kafka, COLLECTOR_BODY_BYTES_MAX="100000")


@pytest.fixture(scope="module")
def settings(environ: dict[str, str]) -> KafkaSettings:
    return prepare(environ)


@pytest.fixture(scope="module")
def collector(environ: dict[str, str], settings: KafkaSettings) -> Iterator[Collector]:
    with running(environ) as collector:
        yield collector


def of(events: list[PackedEvent], prefix: str) -> dict[str, PackedEvent]:
    return {event.message_id: event for event in events if event.message_id.startswith(prefix)}


def test_an_event_is_in_kafka_when_it_is_answered(collector: Collector, settings: KafkaSettings) -> None:
    call = {"type": "track", "event": "Seen", "anonymousId": "a", "messageId": "single-1"}
    answer = post(collector, "/v1/track", call)
    assert (answer.status_code, answer.content) == (200, b'{"success": true}')
    event = of(raw_events(settings), "single")["single-1"]
    assert json.loads(event.payload) == call
    assert (event.source, event.routing) == ("shop", b"main|a:a")


def test_a_batch_is_spread_by_routing_id_and_bad_events_are_kept(
    collector: Collector, settings: KafkaSettings
) -> None:
    good = [{"type": "track", "userId": f"u{n}", "messageId": f"batch-{n}"} for n in range(50)]
    assert (
        post(
            collector, "/v1/batch", {"batch": [*good, {"type": "no such", "messageId": "batch-bad"}]}
        ).status_code
        == 200
    )
    found = of(raw_events(settings), "batch-")
    assert {json.loads(event.payload)["userId"] for event in found.values()} == {f"u{n}" for n in range(50)}
    assert len({partition_of(event.routing, 3) for event in found.values()}) == 3
    (letter,) = [letter for letter in dead_letters(settings) if letter["message_id"] == "batch-bad"]
    assert (letter["reason"], letter["source"], letter["stage"]) == ("unknown_type", "shop", "collector")


def test_a_single_bad_event_is_refused_and_kept(collector: Collector, settings: KafkaSettings) -> None:
    answer = post(collector, "/v1/track", {"userId": ["bad-single"]})
    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_type")
    assert [letter for letter in dead_letters(settings) if b"bad-single" in letter["payload"]]


def test_a_real_sdk_delivers_every_call(collector: Collector, settings: KafkaSettings) -> None:
    failures: list[object] = []
    client = segment.analytics.Client(
        KEY,
        host=collector.url,
        gzip=True,
        on_error=lambda error, _items: failures.append(error),
        max_retries=1,
    )
    client.identify("sdk-user", {"email": "sdk@example.com"})
    client.track("sdk-user", "Bought", {"price": 9.5})
    client.page("sdk-user", "Shop", "Home", {"path": "/"})
    client.group("sdk-user", "sdk-group", {"plan": "pro"})
    client.alias("sdk-before", "sdk-user")
    client.screen("sdk-user", "App", "Start")
    client.flush()
    client.join()
    segment.analytics.request._session.close()  # the library never does
    assert not failures
    found = [event for event in raw_events(settings) if b"sdk-user" in event.payload]
    assert sorted(event.type for event in found) == ["alias", "group", "identify", "page", "screen", "track"]
    assert all(event.sent_at for event in found)


def test_a_new_source_is_known_without_a_restart(collector: Collector, settings: KafkaSettings) -> None:
    assert post(collector, "/v1/page", {}, key="later").status_code == 401
    add_source(settings, "later", "later", allowed_origins=["https://later.example"])
    until(lambda: post(collector, "/v1/page", {}, key="later").status_code == 200)
    headers = post(
        collector, "/v1/page", {}, key="later", headers={"origin": "https://other.example"}
    ).headers
    assert "access-control-allow-origin" not in headers


def test_a_stock_deserialiser_finds_its_schema_here(collector: Collector) -> None:
    source = Source(id="shop", write_key_hashes=[])
    letter = dead_letter(Refusal(Reason.UNKNOWN_TYPE, "why", "m"), b"payload", source, 1_700_000_000_000)
    found = deserialise(collector.url, "events.dead", letter.value)
    assert (found["reason"], found["payload"], found["message_id"]) == ("unknown_type", b"payload", "m")


def test_errors_can_be_read_by_browsers_and_clients(collector: Collector) -> None:
    origin = {"origin": "https://shop.example"}
    answers = [
        ask(collector, "GET", "/v1/track", headers=origin),
        ask(collector, "GET", "/nowhere", headers=origin),
        ask(collector, "POST", "/ready", headers=origin),
        ask(collector, "POST", "/v1/t", content=b"{}", headers=origin),
        ask(collector, "POST", f"/v1/t?writeKey={KEY}", content=b"{", headers=origin),
        ask(collector, "POST", "/v1/t", content=b" " * 100_001, headers=origin),
    ]
    assert [answer.status_code for answer in answers] == [405, 404, 405, 401, 400, 413]
    for answer in answers:
        assert answer.json()["code"]
        assert answer.json()["message"]
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
        assert answer.headers["access-control-expose-headers"] == "Retry-After"


def test_a_beacon_without_a_preflight_is_accepted(collector: Collector) -> None:
    body = json.dumps({"writeKey": KEY, "anonymousId": "beacon"}).encode()
    answer = ask(collector, "POST", "/v1/p", content=body, headers={"content-type": "text/plain"})
    assert answer.status_code == 200


def test_a_preflight_is_answered(collector: Collector) -> None:
    asked = {"origin": "https://a.b", "access-control-request-headers": "authorization,x-retry-count"}
    answer = ask(collector, "OPTIONS", "/v1/t", headers=asked)
    assert answer.headers["access-control-allow-headers"] == "authorization,x-retry-count"
    assert answer.headers["access-control-allow-origin"] == "https://a.b"


@pytest.mark.parametrize("head", [b"content-length: 99999999\r\n\r\n", b"transfer-encoding: chunked\r\n\r\n"])
def test_a_body_over_the_limit_is_refused_before_its_end(collector: Collector, head: bytes) -> None:
    with socket.create_connection(("127.0.0.1", collector.port), timeout=WAIT_S) as client:
        client.sendall(b"POST /v1/batch HTTP/1.1\r\nhost: c\r\n" + head)
        if b"chunked" in head:
            client.sendall(b"%x\r\n" % 200_000 + b" " * 150_000)
        assert client.recv(1_000).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "request_line", [b"POST /v2/track", b"PUT /v1/track", b"POST /healthz", b"POST /pixel.js"]
)
def test_a_connection_on_which_a_body_stays_unread_is_closed_in_words(
    collector: Collector, request_line: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", collector.port), timeout=WAIT_S) as client:
        client.sendall(request_line + b" HTTP/1.1\r\nhost: c\r\ncontent-length: 100\r\n\r\n")
        head, _, _ = client.recv(2_000).lower().partition(b"\r\n\r\n")
        assert head.startswith((b"http/1.1 404 ", b"http/1.1 405 "))
        assert b"connection: close" in head


def test_a_body_that_arrives_too_slowly_is_refused_and_the_connection_closed(
    environ: dict[str, str], settings: KafkaSettings
) -> None:
    with (
        running(environ | {"COLLECTOR_BODY_TIMEOUT_S": "1"}) as collector,
        socket.create_connection(("127.0.0.1", collector.port), timeout=WAIT_S) as client,
    ):
        client.sendall(b'POST /v1/track HTTP/1.1\r\nhost: c\r\ncontent-length: 100\r\n\r\n{"anony')
        head, _, body = client.recv(2_000).lower().partition(b"\r\n\r\n")
        assert head.startswith(b"http/1.1 408 ")
        assert b"connection: close" in head
        assert b"access-control-allow-origin" in head
        assert b"body_too_slow" in (body or client.recv(2_000))
        assert post(collector, "/v1/track", {"anonymousId": "quick"}).status_code == 200


def test_metrics_count_what_was_accepted(collector: Collector) -> None:
    def accepted() -> float:
        lines = ask(collector, "GET", "/metrics").text.splitlines()
        name = 'stitchline_collector_accepted_events_total{source="shop"}'
        return sum(float(line.split()[1]) for line in lines if line.startswith(name))

    before = accepted()
    assert post(collector, "/v1/track", {"anonymousId": "a"}).status_code == 200
    assert accepted() == before + 1


def test_a_stop_finishes_what_it_was_answering(environ: dict[str, str], settings: KafkaSettings) -> None:
    body = b'{"writeKey":"' + KEY.encode() + b'","anonymousId":"last","messageId":"stop-1"}'
    head = b"POST /v1/track HTTP/1.1\r\nhost: c\r\ncontent-length: %d\r\n\r\n" % len(body)
    with (
        running(environ) as collector,
        socket.create_connection(("127.0.0.1", collector.port), timeout=WAIT_S) as client,
    ):
        client.sendall(head + body[:10])
        until(lambda: ask(collector, "GET", "/healthz").status_code == 200)
        collector.process.send_signal(signal.SIGTERM)
        until(lambda: refuses(collector.port))
        client.sendall(body[10:])
        assert client.recv(1_000).startswith(b"HTTP/1.1 200 ")
        assert collector.process.wait(WAIT_S) == 0
    assert "stop-1" in of(raw_events(settings), "stop-")


def refuses(port: int) -> bool:
    try:
        plain_http.get(f"http://127.0.0.1:{port}/healthz", timeout=1)
    except httpx.TransportError:
        return True
    return False


def test_a_port_that_is_taken_is_not_shared(environ: dict[str, str], collector: Collector) -> None:
    from collector.workers import refuse_taken_port
    from runtime.ports import PortTaken

    with pytest.raises(PortTaken, match="COLLECTOR_PORT"):
        refuse_taken_port("127.0.0.1", collector.port, environ)


def test_the_pixel_is_served_compressed_and_asked_for_anew(collector: Collector) -> None:
    path = "/pixel.js"
    answer = ask(collector, "GET", path, headers={"origin": "https://shop.example"})
    assert answer.status_code == 200
    assert answer.content == FILE.read_bytes()
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["access-control-allow-origin"] == "*", "a cache without Vary would keep one site's"
    assert "max-age=3600" in answer.headers["cache-control"]
    plain = ask(collector, "GET", path, headers={"accept-encoding": "identity"})
    assert (plain.content, "content-encoding" in plain.headers) == (FILE.read_bytes(), False)
    again = ask(collector, "GET", path, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert ask(collector, "POST", path).status_code == 405


def test_a_browser_is_told_who_it_is_and_remembers(collector: Collector) -> None:
    origin = "https://shop.example"
    headers = {"origin": origin, "x-forwarded-proto": "https"}
    body = {"writeKey": KEY, "anonymousId": "said"}
    answer = ask(collector, "POST", "/v1/visitor", json=body, headers=headers)
    assert answer.json() == {"success": True, "anonymousId": "said"}
    cookie = answer.headers["set-cookie"]
    assert cookie == "stitchline_id=said; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure"
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-credentials"] == "true"
    later = {"origin": origin, "cookie": "other=1; stitchline_id=said"}
    answer = ask(collector, "POST", "/v1/visitor", json={"writeKey": KEY}, headers=later)
    assert answer.json()["anonymousId"] == "said"
    assert not answer.headers["set-cookie"].endswith("Secure")
    assert ask(collector, "POST", "/v1/visitor", json={"writeKey": "unknown"}).status_code == 401
    assert ask(collector, "GET", "/v1/visitor").status_code == 405


def test_an_event_of_a_browser_has_its_cookie(collector: Collector, settings: KafkaSettings) -> None:
    headers = {"origin": "https://shop.example"}
    first = {"anonymousId": "b-1", "messageId": "cookie-1", "event": "x"}
    answer = post(collector, "/v1/track", first, headers=headers)
    assert answer.content == b'{"success": true}'
    assert answer.headers["set-cookie"].startswith("stitchline_id=b-1; ")
    second = {"messageId": "cookie-2", "event": "x"}
    answer = post(collector, "/v1/track", second, headers=headers | {"cookie": "stitchline_id=b-1"})
    assert "set-cookie" not in answer.headers
    assert "set-cookie" not in post(collector, "/v1/track", first).headers
    events = of(raw_events(settings), "cookie")
    assert json.loads(events["cookie-2"].payload) == second | {"anonymousId": "b-1"}
    assert events["cookie-2"].routing == b"main|a:b-1"
