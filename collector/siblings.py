"""The metrics of all workers from whichever is asked: each tells the others its own, and adds up what they tell.

The workers' parent opens a listening socket on loopback for each of them, and gives every worker its own socket and all the
ports: so nobody has to be found, and nothing is left behind on disk. Nothing is counted together, so counting costs the same
as in one process. Absent: figures of the processes themselves (memory, garbage collection), which do not add up.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from runtime.metrics import exposition

HOST = "127.0.0.1"
SOCKET, PORTS = "STITCHLINE_COLLECTOR_METRICS_SOCKET", "STITCHLINE_COLLECTOR_METRICS_PORTS"
OURS = "stitchline_"
ANSWER_TIMEOUT_S = 3.0

Exposition = Callable[[], Awaitable[bytes]]


class SiblingSilent(Exception):
    """A worker does not answer. Sums without it would look as if counters had gone back."""


class Meeting(msgspec.Struct):
    """The parent's side: one socket for each worker, open as long as they live."""

    sockets: list[socket.socket]

    def environment(self, place: int) -> dict[str, str]:
        """What the worker at this place is told; it must inherit `sockets[place]`."""
        ports = ",".join(str(own.getsockname()[1]) for own in self.sockets)
        return {SOCKET: str(self.sockets[place].fileno()), PORTS: ports}


def open_meeting(workers: int) -> Meeting:
    return Meeting([socket.create_server((HOST, 0)) for _ in range(workers)])


@contextlib.asynccontextmanager
async def meeting_siblings(environ: Mapping[str, str]) -> AsyncIterator[Exposition]:
    """What gives the metrics of all workers, or of this process when it is the only one."""
    if SOCKET not in environ:
        yield _alone
        return
    own = socket.socket(fileno=int(environ[SOCKET]))
    others = [int(port) for port in environ[PORTS].split(",") if int(port) != own.getsockname()[1]]
    server = await asyncio.start_server(_tell, sock=own)
    try:
        yield lambda: _together(others)
    finally:
        server.close()


async def _alone() -> bytes:
    return exposition()


async def _tell(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):  # who asked has gone
        writer.write(exposition())
        await writer.drain()
    writer.close()


async def _together(others: list[int]) -> bytes:
    """Raises SiblingSilent."""
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            told = await asyncio.gather(*(_ask(port) for port in others))
    except (TimeoutError, OSError) as error:
        raise SiblingSilent("a worker of this collector does not tell its metrics: ask again") from error
    registry = CollectorRegistry()
    registry.register(Sums([exposition(), *told]))
    return generate_latest(registry)


async def _ask(port: int) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        return await reader.read()
    finally:
        writer.close()


class Sums(Collector):
    """Samples of one name and the same labels, added up over several texts in Prometheus' format."""

    def __init__(self, texts: Iterable[bytes]) -> None:
        self._families: dict[str, Metric] = {}
        self._values: dict[tuple[str, str, tuple[tuple[str, str], ...]], float] = {}
        for text in texts:
            for family in text_string_to_metric_families(text.decode()):
                if family.name.startswith(OURS):
                    self._add(family)

    def collect(self) -> Iterable[Metric]:
        families = {
            name: Metric(name, known.documentation, known.type) for name, known in self._families.items()
        }
        for (family, sample, labels), value in self._values.items():
            families[family].add_sample(sample, dict(labels), value)
        return families.values()

    def _add(self, family: Metric) -> None:
        self._families.setdefault(family.name, family)
        for sample in family.samples:
            key = (family.name, sample.name, tuple(sorted(sample.labels.items())))
            known = self._values.get(key)
            if known is not None and sample.name.endswith("_created"):  # a time: since the first of them
                self._values[key] = min(known, sample.value)
            else:
                self._values[key] = (known or 0.0) + sample.value
