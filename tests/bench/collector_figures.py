"""The collector's own benchmark (collector.py), run as a script, as figures of the common table."""

import subprocess
import sys

import msgspec

from tests.bench.figures import ROOT, Figure

MANY, FEW = 1024, 32
PEERS_RATE = "Bento 21,900, PostHog capture 12,200, Jitsu 10,900, RudderStack 5,900 on one core"
PEERS_CPU = "Bento 3.61, Jitsu 6.45, PostHog capture 7.77, RudderStack 9.54 + PostgreSQL"
PEERS_P50 = "Jitsu 1.4 (before the ack), Bento 5.4, RudderStack 16.7, PostHog capture 22.4"


class Row(msgspec.Struct, kw_only=True):
    """What is taken from a row of the script's JSON."""

    connections: int
    requests_per_s: float
    p50_ms: float
    collector_cpu_s: float
    collector_mib: float
    failures: int


def run() -> list[Figure]:
    argv = [sys.executable, "-m", "tests.bench.collector", "--json", "--connections", str(FEW), str(MANY)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, check=True, timeout=120)
    few, many = msgspec.json.decode(done.stdout, type=tuple[Row, Row])
    return [
        _figure(f"single events, {MANY:,} connections: rate", many.requests_per_s, "requests/s",
                at_least=25_000, peer=PEERS_RATE),
        _figure(f"single events, {MANY:,} connections: CPU", many.collector_cpu_s, "s/100,000",
                at_most=3.5, peer=PEERS_CPU),
        _figure(f"single events, {FEW} connections: p50", few.p50_ms, "ms", at_most=6, peer=PEERS_P50),
        _figure("memory (RSS)", many.collector_mib, "MiB"),
        _figure("requests refused or cut off", few.failures + many.failures, "", at_most=0),
    ]  # fmt: skip


def _figure(
    name: str,
    value: float,
    unit: str,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
    peer: str = "",
) -> Figure:
    return Figure(
        stage="collector", name=name, value=value, unit=unit, at_most=at_most, at_least=at_least, peer=peer
    )
