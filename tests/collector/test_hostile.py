"""Whatever is sent to a real collector, it answers clearly or hangs up, keeps what it said it keeps, and goes on."""

import http.client
import json
import socket
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.image import GIF
from collector.paths import CALLS, IMAGES
from runtime.environment.settings import KafkaSettings
from tests.collector.bad_requests import BAD_REQUESTS, BATCH_EVENTS_MAX, BODY_BYTES_MAX, Bad
from tests.collector.process import (
    WAIT_S,
    Collector,
    add_source,
    dead_letters,
    environment,
    post,
    prepare,
    raw_events,
    running,
)
from tests.collector.raw import HEAD, body_of, exchange, status_of
from tests.collector.test_intake import basic
from tests.collector.test_intake_properties import EVENTS, JSON

FUZZ = settings(max_examples=60)


@pytest.fixture(scope="module")
def environ(kafka: str) -> dict[str, str]:
    return environment(
        kafka,
        COLLECTOR_BODY_BYTES_MAX=str(BODY_BYTES_MAX),
        COLLECTOR_BATCH_EVENTS_MAX=str(BATCH_EVENTS_MAX),
        COLLECTOR_BODY_TIMEOUT_S="5",
    )


@pytest.fixture(scope="module")
def kafka_settings(environ: dict[str, str]) -> KafkaSettings:
    kafka = prepare(environ)
    for source in ("good", "fuzz", "raw"):
        add_source(kafka, source, source)
    return kafka


@pytest.fixture(scope="module")
def collector(environ: dict[str, str], kafka_settings: KafkaSettings) -> Iterator[Collector]:
    with running(environ) as collector:
        yield collector
        assert collector.process.poll() is None
        assert post(collector, "/v1/track", {"userId": "last"}, key="good").status_code == 200


def request(line: bytes, *headers: bytes, body: bytes = b"", close: bool = True) -> bytes:
    last = (b"connection: close",) if close else ()
    return line + HEAD + b"".join(header + b"\r\n" for header in (*headers, *last)) + b"\r\n" + body


def as_sent(bad: Bad, *, close: bool) -> bytes:
    headers = [b"content-length: %d" % len(bad.body)]
    if bad.key:
        headers.append(b"authorization: " + basic(bad.key).encode())
    if bad.encoding:
        headers.append(b"content-encoding: " + bad.encoding.encode())
    return request(f"{bad.method} {bad.path}?{bad.query}".encode(), *headers, body=bad.body, close=close)


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: bad.name)
def test_a_bad_request_is_answered_clearly(collector: Collector, bad: Bad) -> None:
    answer = exchange(collector.port, as_sent(bad, close=True))
    told = json.loads(body_of(answer))
    assert (status_of(answer), told["code"]) == (bad.status, bad.code)
    assert told["message"]
    assert b"access-control-allow-origin: *" in answer
    assert b"access-control-expose-headers: Retry-After" in answer


@pytest.mark.parametrize(
    "bad", [bad for bad in BAD_REQUESTS if len(bad.body) < BODY_BYTES_MAX], ids=lambda bad: bad.name
)
def test_a_connection_stays_usable_after_a_bad_request_or_is_said_to_close(
    collector: Collector, bad: Bad
) -> None:
    good = Bad(name="good", path="/v1/track", body=b'{"userId":"next"}', code="")
    with socket.create_connection(("127.0.0.1", collector.port), timeout=WAIT_S) as client:
        client.sendall(as_sent(bad, close=False))
        first = http.client.HTTPResponse(client, method=bad.method)
        first.begin()
        first.read()
        if first.getheader("connection") == "close":
            return
        client.sendall(as_sent(good, close=True))
        second = http.client.HTTPResponse(client, method="POST")
        second.begin()
        assert (second.status, second.read()) == (200, b'{"success": true}')


def test_bad_requests_are_kept_with_their_reasons(
    collector: Collector, kafka_settings: KafkaSettings
) -> None:
    before = Counter(
        letter["reason"] for letter in dead_letters(kafka_settings) if letter["source"] == "good"
    )
    for bad in BAD_REQUESTS:
        exchange(collector.port, as_sent(bad, close=True))
    after = Counter(letter["reason"] for letter in dead_letters(kafka_settings) if letter["source"] == "good")
    assert after - before == Counter(bad.code for bad in BAD_REQUESTS if bad.kept)


KEYED = b"authorization: Bearer raw"
CALL = b'{"userId":"raw"}'
LENGTH = b"content-length: %d" % len(CALL)
CHUNKED, LAST = b"transfer-encoding: chunked", b"\r\n0\r\n\r\n"
UPGRADE = (
    b"connection: upgrade",
    b"upgrade: websocket",
    b"sec-websocket-version: 13",
    b"sec-websocket-key: eA==",
)

RAW = {
    # name: what is sent -> the status; 0 is none: the connection was closed
    "whole": (request(b"POST /v1/t", KEYED, LENGTH, body=CALL), {200}),
    "no-length": (request(b"POST /v1/t", KEYED), {400}),
    "length-too-long": (request(b"POST /v1/t", KEYED, b"content-length: 99", body=CALL), {408}),
    "length-too-short": (request(b"POST /v1/t", KEYED, b"content-length: 2", body=CALL), {400}),
    "length-no-number": (request(b"POST /v1/t", KEYED, b"content-length: x", body=CALL), {400}),
    "length-negative": (request(b"POST /v1/t", KEYED, b"content-length: -1", body=CALL), {400}),
    "length-huge": (request(b"POST /v1/t", KEYED, b"content-length: 999999999999", body=CALL), {413}),
    "length-beyond-64-bits": (request(b"POST /v1/t", KEYED, b"content-length: " + b"9" * 40, body=CALL), {400}),
    "lengths-that-differ": (request(b"POST /v1/t", KEYED, LENGTH, b"content-length: 3", body=CALL), {400}),
    "length-and-chunks": (request(b"POST /v1/t", KEYED, b"content-length: 3", CHUNKED, body=b"10\r\n" + CALL + LAST), {200, 400}),
    "chunks": (request(b"POST /v1/t", KEYED, CHUNKED, body=b"8\r\n" + CALL[:8] + b"\r\n8\r\n" + CALL[8:] + LAST), {200}),
    "chunk-with-extension": (request(b"POST /v1/t", KEYED, CHUNKED, body=b"10;a=b\r\n" + CALL + b"\r\n0\r\nx: y\r\n\r\n"), {200}),
    "chunk-cut": (request(b"POST /v1/t", KEYED, CHUNKED, body=b"10\r\n" + CALL[:9]), {400, 408}),
    "chunk-size-no-number": (request(b"POST /v1/t", KEYED, CHUNKED, body=b"zz\r\n" + CALL), {400, 408}),
    "chunk-size-huge": (request(b"POST /v1/t", KEYED, CHUNKED, body=b"f" * 30 + b"\r\n" + CALL), {400, 408}),
    "chunks-over-the-limit": (request(b"POST /v1/t", KEYED, CHUNKED, body=b"30d40\r\n" + b" " * 200_000 + LAST), {413}),
    "image-chunks-endless": (request(b"GET /v1/pixel/track?data=e30", KEYED, CHUNKED, body=b"10\r\n" + CALL + b"\r\n"), {200}),
    "expect": (request(b"POST /v1/t", KEYED, b"expect: 100-continue", LENGTH, body=CALL), {200}),
    "old": (b"POST /v1/t HTTP/1.0\r\nauthorization: Bearer raw\r\n" + LENGTH + b"\r\n\r\n" + CALL, {200}),
    "absolute": (request(b"POST http://elsewhere/v1/t", KEYED, LENGTH, body=CALL), {200}),
    "escaped": (request(b"POST /v1/%74", KEYED, LENGTH, body=CALL), {200, 404}),
    "two-at-once": (request(b"POST /v1/t", KEYED, LENGTH, body=CALL) * 2, {200}),
    "key-not-ascii": (request(b"POST /v1/t", b"authorization: Basic \xff\xfe", LENGTH, body=CALL), {401}),
    "key-in-utf8": (request(b"POST /v1/t", "authorization: Bearer ключ".encode(), LENGTH, body=CALL), {401}),
    "two-keys": (request(b"POST /v1/t", b"authorization: Bearer nobody", KEYED, LENGTH, body=CALL), {200, 401}),
    "origin-not-ascii": (request(b"POST /v1/t", KEYED, b"origin: \xff\xfe", LENGTH, body=CALL), {200}),
    "encoding-not-ascii": (request(b"POST /v1/t", KEYED, b"content-encoding: \xff", LENGTH, body=CALL), {200, 400}),
    "asked-not-ascii": (request(b"OPTIONS /v1/t", b"origin: a", b"access-control-request-headers: \xff"), {204}),
    "asked-long": (request(b"OPTIONS /v1/t", b"origin: a", b"access-control-request-headers: " + b"a" * 9_000), {204}),
    "header-large": (request(b"POST /v1/t", KEYED, b"x: " + b"a" * 100_000, LENGTH, body=CALL), {200}),
    "header-huge": (request(b"POST /v1/t", KEYED, b"x: " + b"a" * 1_000_000, LENGTH, body=CALL), {431, 0}),
    "headers-many": (request(b"POST /v1/t", KEYED, *[b"x%d: a" % n for n in range(500)], LENGTH, body=CALL), {431, 0}),
    "header-without-colon": (request(b"POST /v1/t", b"nonsense", LENGTH, body=CALL), {400}),
    "header-with-nul": (request(b"POST /v1/t", b"x: a\x00b", LENGTH, body=CALL), {400}),
    "head-cut": (b"POST /v1/t HTTP/1.1\r\nhost: c\r\nauth", {0, 400}),
    "path-long": (request(b"GET /" + b"a" * 70_000), {414, 0}),
    "path-not-utf8": (request(b"GET /v1/%ff%fe"), {404}),
    "path-raw-bytes": (request(b"GET /\xff"), {400}),
    "path-nul": (request(b"GET /v1/track%00"), {404}),
    "path-none": (request(b"GET"), {400}),
    "query-raw-bytes": (request(b"POST /v1/t?writeKey=\xff", LENGTH, body=CALL), {400}),
    "star": (request(b"OPTIONS *"), {204}),
    "connect": (request(b"CONNECT a:80"), {404, 400}),
    "trace": (request(b"TRACE /v1/t"), {405}),
    "upgrade": (request(b"GET /v1/t", *UPGRADE), {405, 400}),
    "method-unknown": (request(b"FROB /v1/t", KEYED), {400}),
    "other-version": (b"GET /healthz HTTP/9.9\r\n\r\n", {400}),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 100, {400, 0}),
    "nuls": (bytes(1_000), {400, 0}),
    "nothing": (b"", {0}),
}  # fmt: skip


# The server waits for more until told that there is none.
UNFINISHED = {"length-too-long", "chunk-cut", "head-cut", "nothing"}


@pytest.mark.parametrize("name", RAW)
def test_bytes_that_no_library_sends_get_an_answer_or_an_end(collector: Collector, name: str) -> None:
    sent, statuses = RAW[name]
    assert status_of(exchange(collector.port, sent, finish=name in UNFINISHED)) in statuses
    exchange(collector.port, sent, reset=True)
    assert collector.process.poll() is None


STARTS = [sent for sent, _ in RAW.values() if len(sent) < 1_000]


@FUZZ
@given(sent=st.binary(max_size=300), start=st.sampled_from(STARTS), cut=st.integers(0, 300))
def test_any_bytes_on_the_line_get_an_answer_or_an_end(
    collector: Collector, sent: bytes, start: bytes, cut: int
) -> None:
    answer = exchange(collector.port, start[:cut] + sent + start[cut:], finish=True)
    assert status_of(answer) < 500
    assert collector.process.poll() is None


HEADER_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
QUERIES = HEADER_TEXT.map(lambda text: "".join(c for c in text if c not in " #")) | st.just("writeKey=good")
PATHS = st.sampled_from(
    [
        *CALLS,
        *IMAGES,
        "/v1/m",
        "/sourceConfig/",
        "/v1/projects/good/settings",
        "/ready",
        "/metrics",
        "/subjects",
        "/",
    ]
)


METHODS = ["GET", "POST", "POST", "PUT", "HEAD", "OPTIONS", "PATCH", "X"]
NAMES = ["authorization", "content-encoding", "content-type", "origin", "x-forwarded-proto"]
HEADERS = st.dictionaries(st.sampled_from(NAMES), HEADER_TEXT | st.sampled_from(["Bearer good", "gzip"]))
CALL_BODIES = st.binary(max_size=500) | EVENTS.map(json.dumps).map(str.encode)


@FUZZ
@given(st.sampled_from(METHODS), PATHS, QUERIES, HEADERS, CALL_BODIES)
def test_any_request_is_answered_clearly(
    collector: Collector, method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> None:
    named = [f"{name}: {value}".encode() for name, value in headers.items()]
    sent = request(f"{method} {path}?{query}".encode(), *named, b"content-length: %d" % len(body), body=body)
    head, _, content = exchange(collector.port, sent).partition(b"\r\n\r\n")
    status = status_of(head)
    assert status in {200, 204, 400, 401, 404, 405, 413}
    assert b"access-control-expose-headers: Retry-After" in head
    if method not in ("HEAD", "OPTIONS"):
        assert_clear(path, status, content)


def assert_clear(path: str, status: int, content: bytes) -> None:
    if path in IMAGES and b"no_http" not in content:
        assert content == GIF
    elif status >= 400:
        assert json.loads(content)["code"]
        assert json.loads(content)["message"]


def test_every_event_of_any_batch_is_kept_or_has_a_letter(
    collector: Collector, kafka_settings: KafkaSettings
) -> None:
    sent: Counter[bytes] = Counter()

    @FUZZ
    @given(st.lists(EVENTS | JSON, max_size=8))
    def send(events: list[object]) -> None:
        payloads = [json.dumps(event, ensure_ascii=False).encode() for event in events]
        batch = Bad(
            name="", path="/v1/batch", key="fuzz", body=b'{"batch":[' + b",".join(payloads) + b"]}", code=""
        )
        assert status_of(exchange(collector.port, as_sent(batch, close=True))) == 200
        sent.update(payloads)

    send()
    kept = Counter(event.payload for event in raw_events(kafka_settings) if event.source == "fuzz")
    kept += Counter(
        letter["payload"] for letter in dead_letters(kafka_settings) if letter["source"] == "fuzz"
    )
    assert kept == sent
