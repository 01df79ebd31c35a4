"""What the stack takes while nothing is sent: memory and CPU, by process. PSS counts shared pages once in all together."""

import time

import psutil

from tests.bench.figures import Figure
from tests.bench.meter import MIB, Meter, memory_mib
from tests.bench.stand import Stand, stand

SETTLE_S = 5.0
SECONDS = 10.0
TARGET_MIB = 1536


def figures(there: Stand) -> list[Figure]:
    time.sleep(SETTLE_S)
    meter = Meter(there.processes)
    time.sleep(SECONDS)
    cpu = sum(meter.cpu_s().values()) / meter.seconds * 100
    found = {name: memory_mib(process) for name, process in there.processes.items()}
    found["up"] = psutil.Process(there.up.process.pid).memory_full_info().pss / MIB
    rows = [
        Figure(stage="idle", name=f"memory of {name} (PSS)", value=round(pss), unit="MiB")
        for name, pss in found.items()
    ]
    return [
        Figure(stage="idle", name="memory of the whole stack (PSS)", value=round(sum(found.values())), unit="MiB",
               at_most=TARGET_MIB),
        *rows,
        Figure(stage="idle", name="CPU of the whole stack", value=round(cpu, 1), unit="% of a core"),
    ]  # fmt: skip


def run() -> list[Figure]:
    with stand() as there:
        return figures(there)
