"""Redirects of an HTTP destination: which are followed, and that none leads to where a request may not go."""

import socket
import ssl

import pytest
import trustme
from aiohttp.abc import ResolveResult

from schemas.actions.destinations import HttpDestination
from schemas.actions.requests import HttpRequest
from sinks.sending.sender_addresses import is_public
from sinks.sending.sender_connections import Resolver
from tests.sinks.channels import HERE, by_http, tools, webhook
from tests.sinks.deliver_stage import due
from tests.sinks.receiver import Receiver, receiver, status


class Names(Resolver):
    """The sender's own; the receiver's name is known to it."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return await super().resolve(HERE if host == "receiver.example" else host, port, family)


def test_a_redirect_keeps_method_and_body_and_is_followed_three_times(there: Receiver) -> None:
    for number in range(4):
        there.answers[f"/{number}"] = status(307 if number % 2 else 308, Location=f"/{number + 1}")
    assert webhook(there, "/1", signing_secrets=["env:ONE"]).outcome == "delivered"
    assert [got.method for got in there.got] == ["POST"] * 4
    assert len({got.body for got in there.got}) == 1
    assert all("webhook-signature" in got.headers for got in there.got)
    answer = webhook(there, "/0")
    assert (answer.outcome, "redirects" in answer.error) == ("failed", True)


@pytest.mark.parametrize("code", [301, 302, 303])
def test_a_redirect_that_would_lose_the_body_is_not_followed_but_for_a_get(
    there: Receiver, code: int
) -> None:
    there.answers["/"] = status(code, Location="/next")
    answer = webhook(there)
    assert (answer.outcome, answer.status) == ("failed", code)
    assert "body" in answer.error
    get = due("f1", "shop", HttpRequest(method="GET"), kind="http")
    [answer] = by_http(HttpDestination(url=there.url(host="receiver.example")), get)
    assert answer.outcome == "delivered"
    assert [got.path for got in there.got] == ["/", "/", "/next"]


@pytest.mark.parametrize(
    "target", ["http://127.0.0.2:{port}/x", "http://private.example:{port}/x", "http://[::1]:{port}/x"]
)
def test_a_redirect_to_a_private_address_is_refused(there: Receiver, target: str) -> None:
    there.answers["/"] = status(307, Location=target.replace("{port}", str(there.port)))
    answer = webhook(there)
    assert answer.outcome == "failed"
    assert "private" in answer.error
    assert [got.path for got in there.got] == ["/"]


@pytest.mark.parametrize("host", ["localhost", "LocalHost"])
def test_a_name_that_this_machines_resolver_finds_at_home_is_never_connected_to(
    there: Receiver, host: str
) -> None:
    """No table of names: the sender's own resolver, a real socket, and a receiver that would answer."""
    answer = webhook(there, host=host, given=tools(resolver=Resolver(), may_connect=is_public))
    assert (answer.outcome, "private" in answer.error, there.got) == ("retry", True, [])
    assert (
        webhook(there, host=host, given=tools(resolver=Resolver()), allow_private_addresses=True).outcome
        == "delivered"
    )


def test_a_redirect_to_a_name_is_judged_by_what_the_resolver_says_of_it(there: Receiver) -> None:
    there.answers["/"] = status(307, Location=there.url("/x", host="localhost"))
    is_first = iter([True])
    given = tools(resolver=Names(), may_connect=lambda _: next(is_first, False))
    answer = webhook(there, given=given)
    assert (answer.outcome, "private" in answer.error) == ("failed", True)
    assert [got.path for got in there.got] == ["/"]


@pytest.mark.parametrize("host", ["a..b", "x" * 70, ".", "..", "%", "1.2.3.4.5", "2130706433", "127.1"])
def test_a_redirect_to_a_host_that_is_none_gives_an_answer(there: Receiver, host: str) -> None:
    there.answers["/"] = status(307, Location=f"http://{host}:1/")
    assert webhook(there, given=tools(resolver=Names())).outcome in ("failed", "retry")


@pytest.mark.parametrize(
    "target", ["ftp://receiver.example/", "file:///etc/passwd", "http://", "http://[", "http://a:b:c/"]
)
def test_a_redirect_to_nothing_is_refused(there: Receiver, target: str) -> None:
    there.answers["/"] = status(307, Location=target)
    assert webhook(there).outcome == "failed"


def test_a_redirect_to_another_host_is_followed_only_without_secrets(there: Receiver) -> None:
    there.answers["/"] = status(307, Location=there.url("/there", host="other.example"))
    assert webhook(there).outcome == "delivered"
    for secrets in (
        {"signing_secrets": ["env:ONE"]},
        {"secret_headers": {"X-Key": "env:TOKEN"}},
        {"headers": {"Authorization": "Basic x"}},
        {"url": there.url(host="user:secret@receiver.example")},
    ):
        answer = webhook(there, **secrets)
        assert answer.outcome == "failed"
        assert "another host" in answer.error
    assert [got.path for got in there.got] == ["/", "/there", "/", "/", "/", "/"]


def test_tls_is_checked_and_never_left_by_a_redirect() -> None:
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("receiver.example").configure_cert(server)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with receiver(server) as there:
        destination = HttpDestination(url=there.url(scheme="https", host="receiver.example"))
        [answer] = by_http(destination, due("f1", "shop"))
        assert answer.outcome == "retry"
        assert "certificate" in answer.error
        wrong = HttpDestination(url=there.url(scheme="https", host="other.example"))
        assert by_http(wrong, due("f1", "shop"), given=tools(trusting))[0].outcome == "retry"
        assert by_http(destination, due("f1", "shop"), given=tools(trusting))[0].outcome == "delivered"
        there.answers["/"] = status(307, Location=there.url("/plain", host="receiver.example"))
        [answer] = by_http(destination, due("f1", "shop"), given=tools(trusting))
        assert answer.outcome == "failed"
        assert "https to http" in answer.error
