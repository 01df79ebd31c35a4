"""An HTTP destination that fails in every way: a real receiver, real sockets, the real guard."""

import asyncio
import json
import time
from datetime import UTC, datetime

import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from schemas.actions.destinations import HttpDestination
from schemas.actions.requests import HttpRequest, WebhookRequest
from tests.engines import free_port
from tests.sinks.channels import NOW_MS, OTHER_SECRET, SECRET, by_http, tools, webhook
from tests.sinks.deliver_stage import due
from tests.sinks.receiver import Receiver, hang, status


def test_a_webhook_is_signed_by_every_secret_and_the_specifications_own_library_takes_it(
    there: Receiver,
) -> None:
    answer = webhook(
        there, signing_secrets=["env:ONE", "env:OTHER"], headers={"X-Shop": "1", "Webhook-Id": "mine"}
    )
    assert (answer.outcome, answer.status, answer.text) == ("delivered", 200, "thanks")
    [got] = there.got
    assert (got.method, got.id, got.headers["x-shop"]) == ("POST", "f1", "1")
    assert got.headers["accept"] == "*/*"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["webhook-timestamp"] == str(NOW_MS // 1000)
    for secret in (SECRET, OTHER_SECRET):
        now = Webhook(secret)
        signature = now.sign("f1", datetime.fromtimestamp(NOW_MS / 1000, UTC), got.body.decode())
        assert signature in got.headers["webhook-signature"].split(" ")
    with pytest.raises(WebhookVerificationError):  # it was signed long ago
        Webhook(SECRET).verify(got.body, got.headers)


def test_a_webhook_whose_secret_cannot_be_read_is_never_sent_unsigned(there: Receiver) -> None:
    for reference in ("env:NOT_SET", "file:/not/there", "env:BAD"):
        answer = webhook(there, signing_secrets=["env:ONE", reference])
        assert answer.outcome == "retry"
        assert "secret" in answer.error
    assert webhook(there, secret_headers={"authorization": "env:NOT_SET"}).outcome == "retry"
    assert there.got == []


def test_a_request_has_its_path_query_headers_and_body(there: Receiver) -> None:
    request = HttpRequest(
        method="PUT",
        path="/sms/a b",
        query={"to": "+1 2"},
        headers={"X-A": "1", "Authorization": "mine", "Accept": "text/plain"},
        body="a=b",
        content_type="application/x-www-form-urlencoded",
    )
    destination = HttpDestination(
        url=there.url("/v1?k=1", host="receiver.example"), secret_headers={"Authorization": "env:TOKEN"}
    )
    [answer] = by_http(destination, due("f1", "shop", request, kind="http"))
    assert answer.outcome == "delivered"
    [got] = there.got
    assert (got.method, got.path, got.body) == ("PUT", "/v1/sms/a%20b?k=1&to=%2B1+2", b"a=b")
    assert (got.headers["authorization"], got.headers["accept"]) == ("Bearer t0ken", "text/plain")
    assert got.headers["idempotency-key"] == "f1"
    assert got.headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "request_",
    [
        HttpRequest(method="GET", path="/../admin"),
        HttpRequest(method="GET", path="/%2e%2e/admin"),
        HttpRequest(method="GET", path="a/..%2Fadmin"),
        HttpRequest(method="GET", path="a\\..\\admin"),
        HttpRequest(method="GET", headers={"X": "a\r\nHost: b"}),
        HttpRequest(method="GET", headers={"X y": "a"}),
        HttpRequest(method="GET", headers={"": "a"}),
    ],
)
def test_a_template_cannot_leave_its_place(there: Receiver, request_: HttpRequest) -> None:
    destination = HttpDestination(url=there.url("/v1", host="receiver.example"))
    [answer] = by_http(destination, due("f1", "shop", request_, kind="http"))
    assert answer.outcome == "failed"
    assert there.got == []


@pytest.mark.parametrize(
    "path", ["@other.example/", "//other.example/", "http://other.example/", ":1/", "?a=@b", "#a"]
)
def test_a_path_never_leads_to_another_host(there: Receiver, path: str) -> None:
    request = HttpRequest(method="GET", path=path, headers={"Host": "other.example"})
    [answer] = by_http(
        HttpDestination(url=there.url("/v1", host="receiver.example")),
        due("f1", "shop", request, kind="http"),
    )
    assert answer.outcome == "delivered"
    [got] = there.got
    assert got.headers["host"] == f"receiver.example:{there.port}"
    assert got.path.startswith("/v1")


def test_one_that_hangs_is_given_up_in_time(there: Receiver) -> None:
    there.answers["/"] = hang
    began = time.monotonic()
    answer = webhook(there, timeout_s=0.3)
    assert (answer.outcome, answer.status, answer.health) == ("retry", 0, "ill")
    assert time.monotonic() - began < 15


def test_one_that_drips_is_judged_by_its_status_in_time(there: Receiver) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=200 if request.path == "/good" else 500)
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.02)

    there.answers |= {"/good": drip, "/bad": drip}
    began, short = time.monotonic(), tools(body_s_max=0.3)
    good, bad = webhook(there, "/good", given=short), webhook(there, "/bad", given=short)
    assert (good.outcome, good.status, bad.outcome, bad.status) == ("delivered", 200, "retry", 500)
    assert good.text.startswith("x")
    assert time.monotonic() - began < 15


def test_one_that_sends_without_end_is_read_up_to_a_limit(there: Receiver) -> None:
    sent = [0]

    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while sent[0] < 1 << 32:
            await response.write(b"x" * 100_000)
            sent[0] += 100_000
        return response

    there.answers["/"] = flood
    answer = webhook(there)
    assert (answer.outcome, len(answer.text)) == ("delivered", 500)
    assert sent[0] < 1 << 28


def test_one_that_claims_to_be_compressed_is_not_unpacked(there: Receiver) -> None:
    there.answers["/"] = status(200, **{"Content-Encoding": "gzip"})
    assert webhook(there).text == "no"
    assert there.got[0].headers["accept-encoding"] == "identity"


def test_one_that_closes_or_refuses_or_cannot_be_found_is_tried_again(there: Receiver) -> None:
    async def close(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    there.answers["/"] = close
    assert webhook(there).outcome == "retry"
    refusing = HttpDestination(url=f"http://receiver.example:{free_port()}/")
    lost = HttpDestination(url="http://nowhere.example/")
    errors = [by_http(each, due("f1", "shop"))[0] for each in (refusing, lost)]
    assert [each.outcome for each in errors] == ["retry", "retry"]
    assert "refused" in errors[0].error
    assert "cannot be resolved" in errors[1].error
    assert not any("example" in each.error or "127" in each.error for each in errors)


@pytest.mark.parametrize("code", [410, 429, 503, 404, 500])
def test_a_status_is_told_with_what_it_asks_for(there: Receiver, code: int) -> None:
    there.answers["/"] = status(code, **{"Retry-After": "7"})
    answer = webhook(there)
    assert (answer.status, answer.text) == (code, "no")
    assert answer.outcome == ("gone" if code == 410 else "retry")
    assert answer.retry_after_ms == (7_000 if code in (429, 503) else 0)


@pytest.mark.parametrize(
    "url",
    [
        "http://private.example:{port}/",
        "http://metadata.example/latest/meta-data/",
        "http://127.0.0.2:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.2]:{port}/",
        "http://169.254.169.254/",
        "http://0.0.0.0:{port}/",
        "https://10.0.0.1/",
    ],
)
def test_a_private_address_is_never_asked(there: Receiver, url: str) -> None:
    destination = HttpDestination(url=url.replace("{port}", str(there.port)))
    [answer] = by_http(destination, due("f1", "shop"))
    assert answer.outcome == "retry"
    assert "private" in answer.error
    assert there.got == []


def test_of_a_name_with_private_and_public_addresses_only_the_public_ones_are_asked(there: Receiver) -> None:
    assert webhook(there, host="both.example").outcome == "delivered"


def test_a_private_address_is_asked_where_the_destination_allows_it(there: Receiver) -> None:
    url = f"http://127.0.0.2:{there.port}/"
    allowed = HttpDestination(url=url, allow_private_addresses=True)
    [answer] = by_http(allowed, due("f1", "shop"))
    assert "private" not in answer.error


def test_one_connection_serves_many_attempts(there: Receiver) -> None:
    ports = set()

    async def count(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.Response()

    there.answers["/"] = count
    attempts = [due(f"f{number}", "shop", WebhookRequest(body=json.dumps(number))) for number in range(5)]
    destination = HttpDestination(url=there.url(host="receiver.example"))
    assert {each.outcome for each in by_http(destination, *attempts)} == {"delivered"}
    assert len(ports) == 1
