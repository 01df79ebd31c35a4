"""An e-mail destination against a real mail server that takes, delays and refuses, in clear and with TLS."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from schemas.actions.destinations import SmtpDestination
from schemas.actions.requests import EmailRequest
from sinks.sending.sender_outcomes import Answer
from tests.engines import free_port
from tests.sinks.channels import by_smtp, tools
from tests.sinks.deliver_stage import due
from tests.sinks.receiver import running

HOST = "receiver.example"
LETTER = EmailRequest(to=["ann@shop.example"], subject="Hello", text="There")


class Server:
    """`says`: what RCPT is answered, by recipient; `end`: what the whole e-mail is. Both 250 unless said."""

    def __init__(self) -> None:
        self.says: dict[str, str] = {}
        self.end = "250 taken"
        self.got: list[Envelope] = []
        self.port = 0
        self.transports: list[asyncio.WriteTransport] = []
        self.stalls_s = 0.0  # after its last answer it hears nothing for so long

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        said = self.says.get(address, "250 ok")
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.got.append(envelope)
        asyncio.get_running_loop().call_soon(time.sleep, self.stalls_s)
        return self.end


class Door(SMTP):
    """Remembers its connections: one whose handshake fails is closed by nobody else."""

    def connection_made(self, transport: Any) -> None:
        self.event_handler.transports.append(transport)
        super().connection_made(transport)


def authenticated(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
) -> AuthResult:
    return AuthResult(success=data.login == b"user" and data.password == b"pass word", handled=False)


@contextmanager
def mail_server(
    tls: ssl.SSLContext | None = None, at_once: ssl.SSLContext | None = None, **options: Any
) -> Iterator[Server]:
    found = Server()

    def protocol() -> SMTP:
        return Door(
            found,
            hostname="mail",
            enable_SMTPUTF8=True,
            tls_context=tls,
            loop=asyncio.get_running_loop(),
            **options,
        )

    async def serve(ready: threading.Event, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=at_once)
        found.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        server.close()
        for transport in found.transports:
            transport.abort()
        await server.wait_closed()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)

    with running(serve):
        yield found


@pytest.fixture(scope="module")
def certificates() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of the server, and of clients that trust it."""
    authority = trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert(HOST).configure_cert(server)
    authority.configure_trust(client)
    return server, client


def sent(
    port: int, request: EmailRequest = LETTER, tls: ssl.SSLContext | None = None, **fields: Any
) -> Answer:
    known: dict[str, Any] = {
        "host": HOST,
        "from_": "shop@shop.example",
        "port": port,
        "security": "none",
        "timeout_s": 20.0,
    }
    [answer] = by_smtp(
        SmtpDestination(**(known | fields)), due("f1", "mail", request, kind="email"), given=tools(tls)
    )
    return answer


def test_an_e_mail_is_handed_over_with_the_firings_id() -> None:
    with mail_server() as there:
        answer = sent(there.port)
    assert (answer.outcome, answer.status, answer.error) == ("delivered", 250, "")
    [got] = there.got
    assert (got.mail_from, got.rcpt_tos) == ("shop@shop.example", ["ann@shop.example"])
    assert b"Message-ID: <f1@shop.example>" in (got.content or b"")


@pytest.mark.parametrize(
    ("said", "outcome"), [("450 later", "retry"), ("451 later", "retry"), ("550 nobody", "failed")]
)
def test_a_refusal_for_now_is_tried_again_and_one_for_good_is_not(said: str, outcome: str) -> None:
    with mail_server() as there:
        there.says["ann@shop.example"] = said
        of_recipient = sent(there.port)
        there.says.clear()
        there.end = said
        of_all = sent(there.port)
    for answer in (of_recipient, of_all):
        assert (answer.outcome, answer.status) == (outcome, int(said[:3]))


def test_an_e_mail_that_some_recipients_refuse_is_delivered_to_the_others() -> None:
    request = msgspec.structs.replace(LETTER, to=["ann@shop.example", "bob@shop.example"])
    with mail_server() as there:
        there.says["bob@shop.example"] = "550 nobody"
        answer = sent(there.port, request)
    assert answer.outcome == "delivered"
    assert answer.error == "1 of 2 recipients were refused"


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_that_does_not_end_tls_keeps_no_connection_open(
    certificates: tuple[ssl.SSLContext, ssl.SSLContext], security: str
) -> None:
    """The sender's loop ends with nothing open in it."""
    server, client = certificates
    with mail_server(
        server if security == "starttls" else None, server if security == "tls" else None
    ) as there:
        there.stalls_s = 0.5
        assert sent(there.port, tls=client, security=security).outcome == "delivered"


def test_starttls_and_tls_are_spoken_and_certificates_are_checked(
    certificates: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    server, client = certificates
    login: dict[str, Any] = {"username": "user", "password": "env:PASSWORD"}
    with mail_server(server, require_starttls=True, authenticator=authenticated, auth_required=True) as there:
        assert sent(there.port, tls=client, security="starttls", **login).outcome == "delivered"
        assert sent(there.port, security="starttls", **login).outcome == "retry"
        assert (
            sent(there.port, tls=client, security="starttls", host="other.example", **login).outcome
            == "retry"
        )
        assert (
            sent(there.port, tls=client, security="starttls", username="user", password="env:TOKEN").outcome
            == "retry"
        )
        assert (
            sent(there.port, tls=client, security="starttls", username="user", password="env:NO").outcome
            == "retry"
        )
    assert len(there.got) == 1
    with mail_server(at_once=server) as there:
        assert sent(there.port, tls=client, security="tls").outcome == "delivered"


def test_without_tls_nothing_is_sent_to_a_server_that_offers_none() -> None:
    with mail_server() as there:
        answer = sent(there.port, security="starttls")
    assert (answer.outcome, answer.error) == (
        "retry",
        "the mail server offers no TLS, or no login that we know",
    )
    assert there.got == []


def test_a_private_address_a_server_that_refuses_and_one_that_hangs_are_told_apart() -> None:
    assert "private" in sent(25, host="private.example").error
    assert "private" in sent(25, host="127.0.0.2").error
    assert "refused" in sent(free_port()).error
    assert "cannot be resolved" in sent(25, host="nowhere.example").error
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = sent(silent.getsockname()[1], timeout_s=0.3)
    assert (answer.outcome, answer.health) == ("retry", "ill")


def test_an_e_mail_that_can_never_be_sent_fails_before_anybody_is_asked() -> None:
    request = msgspec.structs.replace(LETTER, to=["ann@shop.example\r\nBcc: bob@shop.example"])
    assert sent(free_port(), request).outcome == "failed"
