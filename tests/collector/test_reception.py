"""Who comes when all others are answered is alone: the event loop is woken for them at once (scheduling.py)."""

import asyncio
from typing import Any

from collector.answering import Answering, Call
from collector.meter import Meter
from collector.reception import Reception
from collector.replies import Reply
from collector.routes import Routes, Told

PATH = "/nobody"


class Configuration:
    state: Any = None
    problem = ""
    is_current = True


class Asked:
    """The server's side of one request: scope, headers, protocol and watcher in one."""

    method, path, query_string = "GET", PATH, ""

    def __init__(self) -> None:
        self.scope = self.proto = self.headers = self

    def items(self) -> list[tuple[str, str]]:
        return []

    def response_bytes(self, _status: int, _headers: object, _body: bytes) -> None:
        pass


def test_a_request_is_alone_until_another_one_comes_and_again_when_that_is_answered() -> None:
    async def scenario() -> None:
        answering, kept = Answering(Meter()), list[Call]()
        routes = Routes({PATH: Told("a page", None)}, {}, None, None)  # type: ignore[arg-type]
        reception = Reception(Configuration(), routes, answering, None, kept.append)  # type: ignore[arg-type]
        seen = []
        for _ in range(2):
            call = reception.start(Asked())  # type: ignore[arg-type]
            assert isinstance(call, Call)
            reception.begin(call)
            seen.append(reception.is_alone())
        for call in kept:
            answering.answer(call, Reply(200, b"", ()), [])
            seen.append(reception.is_alone())
        assert seen == [True, False, True, True]

    asyncio.run(scenario())
