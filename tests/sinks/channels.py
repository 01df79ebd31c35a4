"""Channels of the sender inside a test: names that resolve as a table says, and a guard that takes 127.0.0.1 for public."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import uvloop
from aiohttp.abc import AbstractResolver, ResolveResult

from runtime.secrets import Secrets
from schemas.actions.action_work import Due
from schemas.actions.destinations import HttpDestination, SmtpDestination
from sinks.sending.sender_addresses import is_public
from sinks.sending.sender_channel import Channel
from sinks.sending.sender_connections import tls_context
from sinks.sending.sender_http import HttpChannel, HttpTools
from sinks.sending.sender_outcomes import Answer
from sinks.sending.sender_smtp import SmtpChannel
from tests.sinks.deliver_stage import due
from tests.sinks.receiver import Receiver

NOW_MS = 1_700_000_000_000
HERE = "127.0.0.1"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
ENVIRON = {
    "ONE": SECRET,
    "OTHER": OTHER_SECRET,
    "BAD": "whsec_?",
    "TOKEN": "Bearer t0ken",
    "PASSWORD": "pass word",
}
NAMES: Mapping[str, Sequence[str]] = {
    "receiver.example": [HERE],
    "other.example": [HERE],
    "private.example": ["127.0.0.2"],
    "both.example": ["127.0.0.2", HERE],
    "metadata.example": ["169.254.169.254"],
}


class Table(AbstractResolver):
    """`asked`: every name that was."""

    def __init__(self, names: Mapping[str, Sequence[str]]) -> None:
        self._names = names
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        if host not in self._names and not host[0].isdigit():
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [
            ResolveResult(hostname=host, host=each, port=port, family=socket.AF_INET, proto=0, flags=0)
            for each in self._names.get(host, [host])
        ]

    async def close(self) -> None:
        """Nothing is open."""


def like_public(address: str) -> bool:
    """As the sender's own, but for the address of the tests' receivers."""
    return address == HERE or is_public(address)


def tools(tls: ssl.SSLContext | None = None, **fields: Any) -> HttpTools:
    known: dict[str, Any] = {
        "resolver": Table(NAMES),
        "may_connect": like_public,
        "tls": tls or tls_context(""),
        "secrets": Secrets(ENVIRON, lambda: 0.0),
        "answer_bytes_max": 65_536,
    }
    return HttpTools(**(known | fields))


def answers(made: Callable[[], Channel], *attempts: Due) -> list[Answer]:
    """One after the other, through one channel."""

    async def send() -> list[Answer]:
        channel = made()
        try:
            return [await channel.send(each, NOW_MS) for each in attempts]
        finally:
            await channel.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(send())


def by_http(destination: HttpDestination, *attempts: Due, given: HttpTools | None = None) -> list[Answer]:
    return answers(lambda: HttpChannel(destination, given or tools()), *attempts)


def by_smtp(destination: SmtpDestination, *attempts: Due, given: HttpTools | None = None) -> list[Answer]:
    return answers(lambda: SmtpChannel(destination, given or tools()), *attempts)


def webhook(
    there: Receiver,
    path: str = "/",
    host: str = "receiver.example",
    given: HttpTools | None = None,
    **fields: Any,
) -> Answer:
    """One to this path of the receiver."""
    known: dict[str, Any] = {"url": there.url(path, host=host), "timeout_s": 20.0}
    [answer] = by_http(HttpDestination(**(known | fields)), due("f1", "shop"), given=given)
    return answer
