"""A way to a broker that leads nowhere until it is opened: for a collector that starts while Kafka is away."""

import asyncio
import contextlib

from tests.clients.front import HOST, Fronts
from tests.engines import free_port

PIECE_BYTES = 65_536


class Relay:
    """`address` refuses connections until `open`; then each is passed on to the target. It runs in the fronts' loop."""

    def __init__(self, fronts: Fronts, target: str) -> None:
        self._fronts = fronts
        self._host, _, port = target.partition(",")[0].rpartition(":")
        self._target_port = int(port)
        self._port = free_port()
        self._server: asyncio.Server | None = None
        self.address = f"{HOST}:{self._port}"

    def open(self) -> None:
        self._fronts.run(self._listen(), self._close)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connect, HOST, self._port)

    async def _close(self) -> None:
        assert self._server
        self._server.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._host, self._target_port)
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await source.read(PIECE_BYTES):
            target.write(piece)
            await target.drain()
    target.close()
