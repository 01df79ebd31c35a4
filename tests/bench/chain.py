"""The whole chain at a steady rate: from HTTP into ClickHouse through both engines; CPU by stage, lag, and what came out.

The load is a quarter of the events in single POSTs, as browsers send, a quarter in batches of 15 (analytics-node's default), half
in batches of 100 (analytics-python's). It leaves when it is due (steady.py). The sender's CPU, which shares the machine, is no
part of the chain's.
"""

import asyncio
import statistics
import time
import uuid
from collections.abc import Mapping, Sequence

import msgspec

from tests.bench import traffic
from tests.bench.figures import Figure
from tests.bench.meter import PER, Meter, memory_mib, own_cpu_s
from tests.bench.stand import Stand, stand
from tests.bench.steady import Sender, Shape, Tally

RATE = 8_000
SECONDS = 60.0
WARM_UP_S = 8.0
SAMPLE_S = 2.0
DRAIN_S = 90.0
CONNECTIONS = 256
CPU_TARGET = 18
SHARES = ((0.25, 1), (0.25, 15), (0.5, 100))  # of the events, and how many in one request
GROUPS = {
    "resolve": ("g1-processors", "events.raw"),
    "identity": ("g1-processors", "identity.facts"),
    "sink": ("g1-sink-events", "events.resolved"),
}
PACKS = "stitchline_collector_pack_events"
RECORDS, CHUNKS = 'stitchline_chunk_records_total{agent="%s"}', 'stitchline_chunk_seconds_count{agent="%s"}'
ROWS, INSERTS = (
    'stitchline_sink_rows_total{sink="events"}',
    'stitchline_sink_insert_seconds_count{sink="events"}',
)
MEANS = {
    "packs of events.raw (events)": (f"{PACKS}_sum", f"{PACKS}_count"),
    "chunks of resolve (packs)": (RECORDS % "resolve", CHUNKS % "resolve"),
    "chunks of identity (packs)": (RECORDS % "identity", CHUNKS % "identity"),
    "blocks of the sink (rows)": (ROWS, INSERTS),
}


class Sample(msgspec.Struct, frozen=True):
    """At one moment: events accepted and not yet stored, and messages before each stage's group."""

    at: float
    events: int
    messages: dict[str, int]


class Run:
    """One load on one stack."""

    def __init__(self, there: Stand, rate: float) -> None:
        self._there = there
        name = uuid.uuid4().hex[:8]
        self._sender = Sender(*there.collector)
        self._shapes = shapes(name, rate)
        self.samples: list[Sample] = []
        self.warm = 0  # events sent before
        self.sent_s = self.sender_s = 0.0
        self.beside: dict[str, float] = {}
        self.sizes: dict[str, float] = {}
        self._before = self._at_rest()

    async def send(self, seconds: float) -> Meter:
        """Warm up, measure for so long, and wait until all is stored; the meter began after the warm-up."""
        await self._sender.open(CONNECTIONS)
        number = await self._sender.run(self._shapes, WARM_UP_S, 0)
        await self._drained()
        self._sender.tally = Tally()
        self.warm = number
        self.sizes = await asyncio.to_thread(self._there.metrics)
        self.sender_s = own_cpu_s()
        meter, beside = Meter(self._there.processes), Meter(self._there.beside)
        is_over = asyncio.Event()
        sampling = asyncio.create_task(self._sample(meter, is_over))
        await self._sender.run(self._shapes, seconds, number)
        self.sent_s = meter.seconds
        is_over.set()
        await sampling  # its last question is answered: a connection asks one at a time
        await self._drained()
        self.sizes = _difference(await asyncio.to_thread(self._there.metrics), self.sizes)
        self.sender_s = own_cpu_s() - self.sender_s
        self.beside = beside.cpu_s()
        self._sender.close()
        return meter

    @property
    def tally(self) -> Tally:
        return self._sender.tally

    async def _sample(self, meter: Meter, is_over: asyncio.Event) -> None:
        while not is_over.is_set():
            await asyncio.sleep(SAMPLE_S)
            self.samples.append(await asyncio.to_thread(self._look, meter))

    def _look(self, meter: Meter) -> Sample:
        stored = self._stored() - self.warm
        return Sample(meter.seconds, self.tally.accepted - stored, self._there.kafka.behind(GROUPS))

    def _stored(self) -> int:
        return int(self._there.ask("SELECT count() FROM events")) - self._before["stored"]

    async def _drained(self) -> None:
        """Until every accepted event is in the table."""
        await self._sender.settle(DRAIN_S)
        wanted = self.tally.accepted + self.warm
        async with asyncio.timeout(DRAIN_S):
            while await asyncio.to_thread(self._stored) < wanted:
                await asyncio.sleep(0.1)

    def _ledger(self) -> dict[str, int]:
        """What the tables say now: accepted = resolved + duplicates + dead letters, and resolved = rows."""
        rows = self._there.up.ask("SELECT outcome, toInt64(sum(events)) FROM ledger GROUP BY outcome")
        found = {str(outcome): int(events) for outcome, events in rows}
        return found | {"stored": int(self._there.ask("SELECT count() FROM events"))}

    def _at_rest(self) -> dict[str, int]:
        """The same once it has what an earlier load left: its blocks wait two seconds longer than those of events."""
        end = time.monotonic() + DRAIN_S
        while (now := self._ledger()).get("resolved", 0) != now["stored"]:
            assert time.monotonic() < end, f"the ledger and the table differ before the load: {now}"
            time.sleep(0.2)
        return now

    def conserved(self) -> bool:
        """Whether every event that a client was told to be accepted is in the ledger and in the table, once."""
        end = time.monotonic() + DRAIN_S
        wanted = self.tally.accepted + self.warm
        while time.monotonic() < end:
            now = _difference(self._ledger(), self._before)
            if now.get("accepted") == now.get("resolved") == now["stored"] == wanted:
                return not self.tally.refused
            time.sleep(0.2)
        return False


def shapes(run: str, rate: float) -> list[Shape]:
    return [_shape(run, rate * share, size) for share, size in SHARES]


def _shape(run: str, events_per_s: float, size: int) -> Shape:
    if size == 1:
        return Shape(events_per_s, 1, "/v1/track", lambda number: traffic.call(run, number))
    return Shape(events_per_s, size, "/v1/batch", lambda number: traffic.batch(run, number, size))


def _difference(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    return {name: value - before.get(name, 0) for name, value in after.items()}


def figures(there: Stand, rate: float = RATE, seconds: float = SECONDS) -> list[Figure]:
    load = Run(there, rate)
    meter = asyncio.run(load.send(seconds))
    cpu = meter.cpu_s()
    events = load.tally.accepted
    whole = sum(cpu.values()) / events * PER
    peak = sum(memory_mib(process) for process in there.processes.values())
    return [
        _figure("accepted", events / load.sent_s, "events/s", at_least=rate * 0.99),
        *_lag(load.samples),
        _figure("every accepted event stored once", float(load.conserved()), "", at_least=1),
        _figure("CPU of the whole chain", whole, "s/100,000", at_most=CPU_TARGET),
        *(_figure(f"CPU of {name}", spent / events * PER, "s/100,000") for name, spent in cpu.items()),
        _figure("CPU of the sender, not in the sum", load.sender_s / events * PER, "s/100,000"),
        *(
            _figure(f"CPU of {name}, not in the sum", spent / events * PER, "s/100,000")
            for name, spent in load.beside.items()
        ),
        *(_figure(f"mean of {name}", _mean(load.sizes, *names), "") for name, names in MEANS.items()),
        _figure("memory after the load (PSS)", peak, "MiB"),
    ]


def _figure(
    name: str, value: float, unit: str, *, at_most: float | None = None, at_least: float | None = None
) -> Figure:
    return Figure(
        stage="chain", name=name, value=round(value, 2), unit=unit, at_most=at_most, at_least=at_least
    )


def _lag(samples: Sequence[Sample]) -> list[Figure]:
    """Flat: the last third of the time has no more events on their way than the first had, but for a second's worth."""
    third = max(1, len(samples) // 3)
    first, last = ([sample.events for sample in part] for part in (samples[:third], samples[-third:]))
    grown = statistics.median(last) - statistics.median(first)
    by_stage = [
        _figure(f"messages before {stage}, median", statistics.median(s.messages[stage] for s in samples), "")
        for stage in GROUPS
    ]
    return [
        _figure("events on their way, median", statistics.median(s.events for s in samples), "events"),
        _figure("growth of it, last third to first", grown, "events", at_most=RATE),
        *by_stage,
    ]


def _mean(sizes: dict[str, float], total: str, count: str) -> float:
    return sizes[total] / max(1, sizes[count])


def run() -> list[Figure]:
    with stand() as there:
        return figures(there)
