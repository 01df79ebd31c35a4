"""A port with real sockets: as many connections as there is room for, time limits, and an end."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvloop
from structlog.testing import capture_logs

from collector.http.listener import Listener
from tests.collector.http.sockets import Counter, get, post
from tests.engines import free_port

WAIT_S = 30.0
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Stand:
    """A listener and those who connect to it."""

    def __init__(self, listener: Listener, desk: Counter, port: int) -> None:
        self.listener = listener
        self.desk = desk
        self.port = port
        self._clients: list[asyncio.StreamWriter] = []

    async def client(self) -> Streams:
        streams = await asyncio.open_connection("127.0.0.1", self.port)
        self._clients.append(streams[1])
        return streams

    async def ended(self, timeout_s: float = WAIT_S) -> bool:
        self.listener.stop()
        return await self.listener.ended(timeout_s)

    async def leave(self) -> None:
        for client in self._clients:
            client.close()
            with contextlib.suppress(ConnectionError):
                await client.wait_closed()


@contextlib.asynccontextmanager
async def stand(**limits: Any) -> AsyncIterator[Stand]:
    desk, port = Counter(), free_port()
    usual = {
        "connections_max": 10,
        "head_bytes_max": 10_000,
        "head_timeout_s": WAIT_S,
        "body_timeout_s": WAIT_S,
    }
    listener = Listener(desk, **(usual | limits))
    listener.open("127.0.0.1", port, shares_port=False)
    found = Stand(listener, desk, port)
    try:
        yield found
    finally:
        await found.leave()
        listener.stop()
        await listener.ended(WAIT_S)


def run(scenario: Any) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(scenario, WAIT_S))


async def said(streams: Streams, sent: bytes) -> bytes:
    streams[1].write(sent)
    return await streams[0].readuntil(b"now")


def test_connections_beyond_the_limit_wait_until_there_is_room() -> None:
    async def scenario() -> None:
        async with stand(connections_max=2) as found:
            first, second, third = [await found.client() for _ in range(3)]
            await said(first, get("/now"))
            await said(second, get("/now"))
            third[1].write(get("/now"))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(third[0].read(1), 0.2)
            first[1].close()
            await third[0].readuntil(b"now")

    run(scenario())


@pytest.mark.parametrize("sent", [b"", b"GET / HTT", get("/now")])
def test_who_asks_nothing_more_is_hung_up_on(sent: bytes) -> None:
    async def scenario() -> None:
        async with stand(head_timeout_s=0.2, connections_max=1) as found:
            reader, writer = await found.client()
            writer.write(sent)
            assert (b"now" in await reader.read()) == (b"now" in sent)

    run(scenario())


def test_a_slow_body_is_refused_and_the_answer_arrives() -> None:
    async def scenario() -> None:
        async with stand(body_timeout_s=0.2) as found:
            reader, writer = await found.client()
            writer.write(post(b"abc")[:-1])
            assert (await reader.read()).startswith(b"HTTP/1.1 413")
            writer.write(b"too late")  # it may still be sent

    run(scenario())


def test_a_stop_refuses_who_is_new_and_answers_who_has_begun() -> None:
    async def scenario() -> None:
        async with stand() as found:
            idle, busy = await found.client(), await found.client()
            await said(idle, get("/now"))
            busy[1].write(post(b"abc")[:-1])
            while len(found.desk.begun) < 2:
                await asyncio.sleep(0.01)
            ending = asyncio.create_task(found.ended())
            assert await idle[0].read() == b""
            with pytest.raises(ConnectionRefusedError):
                await found.client()
            busy[1].write(b"c")
            while not found.desk.bodies:
                await asyncio.sleep(0.01)
            found.desk.answer(found.desk.begun[-1], b"kept")
            assert (await busy[0].read()).endswith(b"kept")
            assert await ending

    run(scenario())


def test_who_never_goes_is_cut_off_at_a_stop() -> None:
    async def scenario() -> None:
        async with stand() as found:
            reader, writer = await found.client()
            writer.write(post(b"abc")[:-1])
            while not found.desk.begun:
                await asyncio.sleep(0.01)
            assert not await found.ended(0.1)
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""

    run(scenario())


def test_a_process_without_files_left_accepts_again_when_there_are_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Poor(socket.socket):
        failures = 3

        def accept(self) -> Any:
            if Poor.failures:
                Poor.failures -= 1
                raise OSError(errno.EMFILE, "Too many open files")
            return super().accept()

    async def scenario() -> None:
        monkeypatch.setattr(socket, "socket", Poor)
        async with stand() as found:
            monkeypatch.undo()
            await said(await found.client(), get("/now"))

    with capture_logs() as told:
        run(scenario())
    assert [line["event"] for line in told] == ["no connection can be accepted"] * 3


def test_a_port_that_is_taken_is_refused() -> None:
    async def scenario() -> None:
        async with stand() as found:
            limits: dict[str, Any] = {"connections_max": 1, "head_bytes_max": 1, "head_timeout_s": 1}
            other = Listener(found.desk, body_timeout_s=1, **limits)
            with pytest.raises(OSError, match="in use"):
                other.open("127.0.0.1", found.port, shares_port=False)
            await other.ended(1)

    run(scenario())


def test_it_listens_on_the_newer_protocol_too() -> None:
    async def scenario() -> None:
        async with stand() as found:
            port = free_port()
            limits: dict[str, Any] = {"connections_max": 1, "head_bytes_max": 9_000, "head_timeout_s": 9}
            other = Listener(found.desk, body_timeout_s=9, **limits)
            other.open("::1", port, shares_port=True)
            reader, writer = await asyncio.open_connection("::1", port)
            await said((reader, writer), get("/now"))
            assert found.desk.begun[-1].head.peer == "::1"
            writer.close()
            other.stop()
            assert await other.ended(WAIT_S)

    run(scenario())
