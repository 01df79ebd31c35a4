"""Our layer whole, in the test's own process and on a real broker: Faust's group, delivery, lanes and Parts around a given step.

Unlike toy_worker.py it can be looked into, and its agent's stream can be tampered with. What would end a real worker's process
is kept in `deaths`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import faust

from runtime.environment.settings import KafkaSettings, ProcessorSettings, load
from runtime.lookup import Lookup
from runtime.streams.chunk import ChunkLimits
from runtime.streams.delivery import Delivery, Inlet, Policy
from runtime.streams.faust_group import FaustGroup
from runtime.streams.part import Part, PartOpener, PartSpec, open_part
from schemas.stream import Step
from schemas.topics import EVENTS_RAW
from tests.runtime.memory_faust import until

NOW_MS = 1_900_000_000_000
CHUNK_RECORDS_MAX = 10

Tamper = Callable[[Any], Any]  # the stream that Faust gives -> the stream that the agent gets


def untouched(stream: Any) -> Any:
    return stream


class Group(FaustGroup):
    tamper: Tamper = staticmethod(untouched)

    @property
    def app(self) -> faust.App:
        return self._app

    async def _deliver(self, stream: Any) -> None:
        await super()._deliver(self.tamper(stream))


class Worker:
    """One agent, `resolve` on events.raw."""

    def __init__(self, environ: Mapping[str, str], step: Step, tamper: Tamper = untouched) -> None:
        kafka, processor = load(KafkaSettings, environ), load(ProcessorSettings, environ)
        lookup = Lookup(kafka)

        def opened(partition: int, halted: Callable[[], bool]) -> Part:
            spec = PartSpec(
                agent="resolve",
                input=EVENTS_RAW,
                partition=partition,
                kafka=kafka,
                state_dir=Path(processor.state_dir),
            )
            return open_part(spec, step, PartOpener(lookup, lambda: NOW_MS, halted))

        self.deaths: list[BaseException] = []
        self.group = Group(f"{kafka.topic_prefix}processors", kafka, processor)
        self.group.tamper = tamper
        inlet = Inlet("resolve", EVENTS_RAW.full_name(kafka.topic_prefix), True, opened)
        policy = Policy(ChunkLimits(CHUNK_RECORDS_MAX, 1 << 20), fenced_pause_s=1.0, threads=4)
        self.delivery = Delivery(self.group, [inlet], policy, self.deaths.append)


@asynccontextmanager
async def working(worker: Worker) -> AsyncIterator[Worker]:
    life = asyncio.create_task(worker.group.run())
    try:
        await until(lambda: worker.delivery.is_ready or worker.deaths, "the worker is ready")
        yield worker
    finally:
        life.cancel()
        await worker.delivery.stop()
        await worker.group.leave()


def run(worker: Worker, done: Callable[[], Any], what: str) -> Worker:
    """Let the worker live until `done`, or until something would have ended its process."""

    async def life() -> None:
        async with working(worker):
            await until(lambda: done() or worker.deaths, what)

    asyncio.run(life())
    return worker
