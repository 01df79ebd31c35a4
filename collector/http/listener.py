"""The port: who connects is accepted, as many as there is room for, and nobody takes a place for longer than allowed. An edge.

All connections are looked at twice a second, instead of a timer for each; so a time limit is kept up to a second late. Absent:
what is asked and answered (peer.py).
"""

import asyncio
import contextlib
import socket
import time
from functools import partial
from typing import cast

import structlog

from collector.http.answers import date_line
from collector.http.incoming import Desk
from collector.http.peer import Peer

log = structlog.get_logger()

SWEEP_S = 0.5
AFTER_FAILURE_S = 0.5  # until connections are accepted again, as when the process has too many open files


class Listener:
    """Made and used on one event loop."""

    sweep_s = SWEEP_S

    def __init__(
        self,
        desk: Desk,
        *,
        connections_max: int,
        head_bytes_max: int,
        head_timeout_s: float,
        body_timeout_s: float,
    ) -> None:
        self.desk = desk
        self.head_bytes_max = head_bytes_max
        self.head_timeout_s = head_timeout_s
        self.body_timeout_s = body_timeout_s
        self._connections_max = connections_max
        self._loop = asyncio.get_running_loop()
        self._peers: dict[Peer, asyncio.Task[object]] = {}
        self._socket: socket.socket | None = None
        self._is_accepting = False
        self._is_failing = False  # it is tried again in a while
        self._is_stopped = False
        self._empty = asyncio.Event()
        self._look()

    def open(self, host: str, port: int, *, shares_port: bool) -> None:
        """Raises OSError."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server(
            (host, port), family=family, backlog=self._connections_max, reuse_port=shares_port
        )
        self._socket.setblocking(False)
        self._resume()

    def stop(self) -> None:
        """Nobody is accepted any more; who is being answered is, and then hung up on."""
        self._is_stopped = True
        if self._socket is not None:
            self._accept()  # who was there before
            self._pause()
            self._socket.close()
        for peer in list(self._peers):
            peer.stop()

    def end_bodies(self) -> None:
        """Bodies that are not here yet are too slow."""
        for peer in list(self._peers):
            peer.end_body()

    async def ended(self, timeout_s: float) -> bool:
        """Whether all have gone within that time. Those that have not are cut off."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._peers:
                    self._empty.clear()
                    await self._empty.wait()
        self._sweeping.cancel()
        if not self._peers:
            return True
        for peer in list(self._peers):
            peer.abort()
        await asyncio.sleep(0)  # they hear of it
        return False

    def gone(self, peer: Peer) -> None:
        """As its connection ends."""
        self._peers.pop(peer, None)
        if not self._peers:
            self._empty.set()
        if not self._is_failing:
            self._resume()

    def _try_again(self) -> None:
        self._is_failing = False
        self._resume()

    def _resume(self) -> None:
        if self._socket is not None and not self._is_accepting and not self._is_stopped:
            self._is_accepting = True
            self._loop.add_reader(self._socket, self._accept)

    def _pause(self) -> None:
        if self._socket is not None and self._is_accepting:
            self._is_accepting = False
            self._loop.remove_reader(self._socket)

    def _accept(self) -> None:
        while self._socket is not None:
            if len(self._peers) >= self._connections_max:
                self._pause()
                return
            try:
                client, _ = self._socket.accept()
            except BlockingIOError:
                return
            except ConnectionError:  # gone before it was here
                continue
            except OSError as error:
                log.warning("no connection can be accepted", error=str(error))
                self._pause()
                self._is_failing = True
                self._loop.call_later(AFTER_FAILURE_S, self._try_again)
                return
            self._welcome(client)

    def _welcome(self, client: socket.socket) -> None:
        client.setblocking(False)
        with contextlib.suppress(OSError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = Peer(self)
        protocol = cast("asyncio.Protocol", peer)  # it has all of one
        connecting = self._loop.create_task(self._loop.connect_accepted_socket(lambda: protocol, client))
        self._peers[peer] = connecting
        connecting.add_done_callback(partial(self._connected, peer))

    def _connected(self, peer: Peer, connecting: "asyncio.Task[object]") -> None:
        if connecting.cancelled() or connecting.exception() is not None:
            self.gone(peer)

    def _look(self) -> None:
        self.now = time.monotonic()
        self.date = date_line(time.time())
        self._sweeping = self._loop.call_later(SWEEP_S, self._look)
        for peer in list(self._peers):
            peer.sweep(self.now)
