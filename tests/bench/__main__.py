"""Every benchmark, one after the other: a table on standard output, a JSON file beside.

    python -m tests.bench [collector] [processor] [enrichment] [sink] [stack] [recovery] [core_latency] [keyed] [identity]
                          [busy_latency] [reports] [segments] [profiles] [pixel] [deliver] [rules] [confirm] [activation]
                          [--json FILE]

Without names the first five, which takes about five minutes. `stack` is one `stitchline up`: memory at rest, then the time from a
POST to a query's answer, then the whole chain at 8,000 events/s for a minute; `memory`, `latency` and `chain` are its parts,
each on a stack of its own. `recovery` kills a worker with a million keys, `core_latency` waits for one step's answers (a minute
each), `busy_latency` is `latency` beside the chain's load (five minutes);
`keyed` (a quarter of an hour, and 200 MB fetched the first time) puts our stream core beside Kafka Streams and Quix
Streams; `identity` measures who is who (about ten minutes and 3 GB; `identity_step`, `identity_worker`, `identity_join`,
`identity_queries` and `identity_merges` are its parts); `reports` asks each report of three million events (three minutes);
`segments` asks ten million events who is in a segment (a quarter of an hour, 2 GB on disk), `profiles` who somebody is (ten
minutes); `pixel` loads a page with our script and with others' in Chromium (three minutes, and 9 MB fetched the first time);
`deliver` sends webhooks to a fast receiver, and to one beside two that are dead (a minute); `rules` matches two hundred rules (a
minute); `confirm` asks for whom they fire (two minutes), `activation` awaits the webhooks of a whole stack (a
minute).
Loads only 127.0.0.1; what it starts, ends with it. Exit status 1 when a benchmark could not be run, never for a slow figure.
"""

import argparse
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from confluent_kafka import KafkaException

from runtime import logs
from tests.bench import (
    activation,
    chain,
    collector_figures,
    confirm,
    core_latency,
    deliver,
    enrichment,
    identity_join,
    identity_queries,
    identity_step,
    identity_worker,
    latency,
    memory,
    pixel,
    processor,
    profiles,
    recovery,
    reports,
    rules,
    segments,
    sink,
)
from tests.bench.figures import ROOT, Figure, Report, commit, heading, machine, table, write
from tests.bench.keyed import contest
from tests.bench.stand import stand

RESULTS = ROOT / "bench-results"
FAILURES = (
    AssertionError,
    OSError,
    TimeoutError,
    RuntimeError,
    psutil.Error,
    subprocess.SubprocessError,
    KafkaException,
)


def stack() -> list[Figure]:
    with stand() as there:
        return [*memory.figures(there), *latency.figures(there), *chain.figures(there)]


def identity() -> list[Figure]:
    return [
        *identity_step.run(),
        *identity_worker.run(),
        *identity_join.run(),
        *identity_queries.run_queries(),
        *identity_queries.run_merges(),
    ]


ALL: dict[str, Callable[[], list[Figure]]] = {
    "collector": collector_figures.run,
    "processor": processor.run,
    "enrichment": enrichment.run,
    "sink": sink.run,
    "stack": stack,
}
PARTS: dict[str, Callable[[], list[Figure]]] = {
    "activation": activation.run,
    "memory": memory.run,
    "latency": latency.run,
    "chain": chain.run,
    "recovery": recovery.run,
    "core_latency": core_latency.run,
    "busy_latency": latency.busy,
    "deliver": deliver.run,
    "confirm": confirm.run,
    "keyed": contest.run,
    "identity": identity,
    "identity_step": identity_step.run,
    "identity_worker": identity_worker.run,
    "identity_join": identity_join.run,
    "identity_queries": identity_queries.run_queries,
    "identity_merges": identity_queries.run_merges,
    "reports": reports.run,
    "segments": segments.run,
    "pixel": pixel.run,
    "profiles": profiles.run,
    "rules": rules.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="*", choices=[*ALL, *PARTS, []], metavar="NAME", help=" ".join([*ALL, *PARTS])
    )
    parser.add_argument(
        "--json", type=Path, help="where to write the figures (default: a file in bench-results/)"
    )
    options = parser.parse_args()
    logs.configure("bench", logging.WARNING)
    busy = psutil.getloadavg()[0]
    figures: list[Figure] = []
    failed = [name for name in options.names or ALL if not run(name, figures)]
    report = Report(commit(), machine(), busy, figures)
    path = options.json or RESULTS / f"{report.commit}-{'-'.join(options.names) or 'all'}.json"
    write(report, path)
    sys.stdout.write(f"{heading(report)}{table(figures)}written to {path}\n")
    return 1 if failed else 0


def run(name: str, figures: list[Figure]) -> bool:
    """One that fails is said and left out; the others still run."""
    began = time.monotonic()
    say(f"{name} ...")
    try:
        figures += (ALL | PARTS)[name]()
    except FAILURES as error:
        say(f"{name} FAILED: {type(error).__name__}: {error}")
        return False
    say(f"{name} took {time.monotonic() - began:.0f} s")
    return True


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
