"""What strangers try against a real collector: to keep its connections, and to choose a visitor's id."""

import base64
import contextlib
import json
import socket
from collections.abc import Iterator

import pytest

from tests.collector.process import KEY, WAIT_S, Collector, ask, environment, prepare, running

HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


@pytest.fixture(scope="module")
def environ(kafka: str) -> dict[str, str]:
    environ = environment(kafka)
    prepare(environ)
    return environ


@pytest.fixture(scope="module")
def collector(environ: dict[str, str]) -> Iterator[Collector]:
    with running(environ) as collector:
        yield collector


def test_a_form_of_a_foreign_page_puts_no_stranger_into_the_cookie(collector: Collector) -> None:
    headers = {"origin": "https://other.example", "sec-fetch-mode": "navigate"}
    said = {"writeKey": KEY, "anonymousId": "stranger", "replace": True, "event": "x", "type": "track"}
    for path in ("/v1/visitor", "/v1/track"):
        answer = ask(collector, "POST", path, json=said, headers=headers)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
    data = base64.b64encode(json.dumps(said).encode()).decode()
    shown = {"data": data, "writeKey": KEY}
    for mode, is_set in (("navigate", False), ("no-cors", True)):
        answer = ask(collector, "GET", "/v1/pixel/track", params=shown, headers={"sec-fetch-mode": mode})
        assert ("set-cookie" in answer.headers) == is_set


def test_connections_that_ask_nothing_are_closed_and_hold_up_nobody(environ: dict[str, str]) -> None:
    few = {"COLLECTOR_CONNECTIONS_MAX": "4", "COLLECTOR_HEAD_TIMEOUT_S": "1"}
    with running(environ | few) as collector, contextlib.ExitStack() as held:
        for sent in (b"", b"P", b"POST /v1/t HTTP/1.1\r\nhost: ", HTTP2_PREFACE) * 2:
            client = held.enter_context(
                socket.create_connection(("127.0.0.1", collector.port), timeout=WAIT_S)
            )
            client.sendall(sent)
        assert ask(collector, "GET", "/healthz").status_code == 200


def test_http_2_is_refused_in_words(collector: Collector) -> None:
    with socket.create_connection(("127.0.0.1", collector.port), timeout=WAIT_S) as client:
        client.sendall(HTTP2_PREFACE)
        answer = client.recv(1_000)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"no_http"' in answer
