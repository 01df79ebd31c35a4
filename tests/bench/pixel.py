"""What the pixel costs a page, beside others: its size, its time on the main thread, and when its first event is on its way.

    python -m tests.bench pixel

Each contender's script is loaded by the same page in the machine's Chromium, in turns, each time in a browser context of its own
with nothing cached; at full speed, and with the processor slowed to a quarter as phones are. Scripts and receiver are local, so
what a network would add (by size, and by requests before the first event) is not in the times: both stand in the table.
Medians; a page without any script is measured too.
"""

import gzip
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import cramjam
import msgspec

from deploy.demo.javascript import CHECKOUT, browser, node
from tests.bench.figures import Figure
from tests.bench.pixel_peers import NOTHING, OURS, Contender, contenders

ROUNDS = 15
SLOWDOWNS = (1, 4)
RUN_S_MAX = 1_200
GZIP_BYTES_MAX = 8 * 1_024
EVALUATED_MS_MAX = 5.0
DRIVER = Path(__file__).with_name("pixel_rounds.mjs")


class Round(msgspec.Struct, frozen=True, rename="camel"):
    """One page: ms from the navigation's start to the first event's request, requests until then, bytes of all scripts."""

    name: str
    slowdown: int
    first_ms: float
    requests: int
    gzip: int
    evaluated_ms: float
    evaluated_cpu_ms: float
    all_ms: float
    all_cpu_ms: float
    longest_cpu_ms: float
    long_tasks: int
    shift: float


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        there = contenders(Path(folder), _say)
        sizes = [figure for name, one in there.items() if one.main for figure in _sizes(name, one)]
        rounds = measured(there)
    return [*sizes, *(figure for name in there for figure in _times(name, rounds))]


def measured(there: dict[str, Contender], count: int = ROUNDS) -> list[Round]:
    """Raises RuntimeError where there is no browser, or a page sent no event."""
    chromium = browser()
    if chromium is None:
        raise RuntimeError("no Chromium here: install one, or name it in $CHROMIUM")
    asked = {"browser": str(chromium), "rounds": count, "slowdowns": SLOWDOWNS, "contenders": there}
    argv = [str(node()), str(DRIVER)]
    done = subprocess.run(
        argv,
        input=msgspec.json.encode(asked),
        cwd=CHECKOUT,
        capture_output=True,
        timeout=RUN_S_MAX,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-1_000:])
    return msgspec.json.decode(done.stdout, type=list[Round])


def compressed(content: bytes) -> int:
    return len(gzip.compress(content, compresslevel=9, mtime=0))


def _sizes(name: str, one: Contender) -> list[Figure]:
    content = (Path(one.folder) / one.main).read_bytes()
    limit = GZIP_BYTES_MAX if name == OURS else None
    second = [
        _figure(name, "second script, gzip", compressed((Path(one.folder) / file).read_bytes()), "B", limit)
        for file in one.later
    ]
    return [
        _figure(name, "script, minified", len(content), "B"),
        _figure(name, "script, gzip", compressed(content), "B", limit),
        _figure(name, "script, brotli", len(cramjam.brotli.compress(content, 11)), "B"),
        *second,
    ]


def _times(name: str, rounds: Sequence[Round]) -> list[Figure]:
    figures = []
    for slowdown in SLOWDOWNS:
        own = [one for one in rounds if (one.name, one.slowdown) == (name, slowdown)]
        speed = f"CPU 1/{slowdown}" if slowdown > 1 else "full speed"
        figures += _of_page(name, speed, own)
        if name == NOTHING:
            continue
        limit = EVALUATED_MS_MAX if name == OURS and slowdown == 1 else None
        figures += [
            _figure(name, f"evaluation, {speed}", median(one.evaluated_ms for one in own), "ms"),
            _figure(name, f"of it CPU, {speed}", median(one.evaluated_cpu_ms for one in own), "ms", limit),
            _figure(name, f"script in all, {speed}", median(one.all_ms for one in own), "ms"),
            _figure(name, f"of it CPU, in all, {speed}", median(one.all_cpu_ms for one in own), "ms"),
            _figure(name, f"longest task, CPU, {speed}", median(one.longest_cpu_ms for one in own), "ms"),
            _figure(name, f"first event after, {speed}", median(one.first_ms for one in own), "ms"),
        ]
    if name != NOTHING:
        own = [one for one in rounds if one.name == name]
        figures.append(_figure(name, "requests to the first event", median(one.requests for one in own), ""))
        figures.append(_figure(name, "scripts loaded, gzip", median(one.gzip for one in own), "B"))
    return figures


def _of_page(name: str, speed: str, own: Sequence[Round]) -> list[Figure]:
    limit = 0.0 if name == OURS else None
    return [
        _figure(
            name, f"long tasks a page, {speed}", sum(one.long_tasks for one in own) / len(own), "", limit
        ),
        _figure(name, f"layout shift, {speed}", max(one.shift for one in own), "", limit),
    ]


def _figure(name: str, what: str, value: float, unit: str, at_most: float | None = None) -> Figure:
    return Figure(stage=f"pixel: {name}", name=what, value=value, unit=unit, at_most=at_most)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
