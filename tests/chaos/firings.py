"""Firings while the process of rules and the sender are killed again and again, and their destination fails at random.

    python -m tests.chaos.firings [--firings 10000] [--per-s 200] [--seed N] [--delivery NAME]

Firings go to actions.work as confirmation would send them; agent `actions`, the sender and the receiver are real, the processes
those of the deployment. Whatever is killed: each firing comes to `done` once, was taken by the receiver at least once, always
under its own id and with the same bytes, and no other id was ever seen; each attempt has one record of delivery.
Deliberately absent: what comes before a firing; Kafka's own faults, which `make chaos` has.
"""

import argparse
import json
import logging
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random, SystemRandom

import msgspec
from aiohttp import web
from confluent_kafka import Consumer, Producer, TopicPartition

from runtime import logs
from runtime.control import write_control
from runtime.environment.settings import EngineSettings, KafkaSettings, load
from runtime.kafka import ensure_topics
from schemas.actions.action_work import encode_work
from schemas.identity.identifiers import partition_of
from schemas.topics import ACTIONS, ACTIONS_DELIVERIES, ACTIONS_WORK, Topic
from schemas.wire.codec import decode
from tests import engines
from tests.chaos.process import Spec, Supervised
from tests.processors.firings import a_firing, a_rule
from tests.sinks.deliver_stage import http
from tests.sinks.receiver import Receiver, receiver

HASH_KEY = "000102030405060708090a0b0c0d0e0f"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PARTITIONS = 4
STEP_S = 0.05
FAILURES = 0.1  # of the answers, but at most FAILURES_MAX of one firing's: the third pause is two minutes
FAILURES_MAX = 2
PATIENCE_S = 600.0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`kill_s`: from one kill to the next, at least and at most."""

    firings: int
    per_s: int
    kill_s: tuple[float, float]
    seed: int
    failures_max: int = FAILURES_MAX
    delivery: str = "plain"


class Tally(msgspec.Struct, kw_only=True):
    """What was found; all but the first four are empty when everything is right."""

    firings: int
    kills: dict[str, int]
    requests: int
    seconds: float
    never_taken: list[str]
    unknown: list[str]
    not_done_once: list[str]
    changed: list[str]
    delivered_twice: list[str]

    @property
    def wrongs(self) -> dict[str, list[str]]:
        names = ("never_taken", "unknown", "not_done_once", "changed", "delivered_twice")
        return {name: found for name in names if (found := getattr(self, name))}


class Moody:
    """How the receiver answers: most are taken, some refused, cut off or left alone. `taken`: how often each was."""

    def __init__(self, plan: Plan) -> None:
        self._random = Random(plan.seed)  # noqa: S311 - a draw that can be drawn again
        self._failures_max = plan.failures_max
        self._refused: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        name = request.headers["webhook-id"]
        if self._refused[name] >= self._failures_max or self._random.random() > FAILURES:
            self.taken[name] += 1
            return web.Response(text="taken")
        self._refused[name] += 1
        if self._random.random() < 0.3:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=self._random.choice((500, 502, 404)), text="not now")


class Trail:
    """What the outputs of agent `actions` say, read as anybody would: committed records alone."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._firings = _reader(kafka, ACTIONS)
        self._deliveries = _reader(kafka, ACTIONS_DELIVERIES)
        self.done: Counter[str] = Counter()
        self.delivered: Counter[tuple[str, int]] = Counter()

    def read(self) -> None:
        for record in _records(self._firings):
            if record["state"] == "done":
                self.done[str(record["firing_id"])] += 1
        for record in _records(self._deliveries):
            self.delivered[str(record["firing_id"]), int(str(record["attempt"]))] += 1

    def close(self) -> None:
        self._firings.close()
        self._deliveries.close()


def play(bootstrap: str, prefix: str, folder: Path, plan: Plan) -> Tally:
    """Raises AssertionError when not everything is done in time."""
    kafka = KafkaSettings(
        bootstrap_servers=bootstrap,
        topic_prefix=prefix,
        partitions=PARTITIONS,
        replication_factor=1,
        min_insync_replicas=1,
    )
    ensure_topics(kafka)
    ids = [f"f{number:06d}" for number in range(plan.firings)]
    began, moody = time.monotonic(), Moody(plan)
    with receiver() as there:
        there.answers["/hook"] = moody.answer
        crm = http("crm", there.url("/hook"), signing_secrets=["env:FIRINGS_SECRET"])
        write_control(kafka, {crm.key: msgspec.json.encode(crm)}, apply_id="firings")
        processes = _processes(kafka, folder, plan.delivery)
        trail = Trail(kafka)
        try:
            kills = _storm(processes, plan, lambda: _fed(kafka, ids, plan), lambda: _settled(trail, ids))
        finally:
            for process in processes.values():
                process.end()
        trail.read()
        trail.close()
        return _judged(ids, there, moody, trail, kills, time.monotonic() - began)


def _storm(
    processes: Mapping[str, Supervised], plan: Plan, feed: Callable[[], None], is_settled: Callable[[], bool]
) -> dict[str, int]:
    """Kills as long as firings come, and once more behind them; then waits for rest."""
    random = Random(plan.seed + 1)  # noqa: S311 - a draw that can be drawn again
    kills = dict.fromkeys(processes, 0)
    feeding = threading.Thread(target=feed, daemon=True)
    feeding.start()
    while feeding.is_alive() or not all(kills.values()):
        feeding.join(random.uniform(*plan.kill_s))
        name = random.choice([name for name in processes if not kills[name]] or sorted(processes))
        processes[name].kill()
        kills[name] += 1
    engines.wait_until(is_settled, PATIENCE_S, "every firing is done", STEP_S)
    return kills


def _fed(kafka: KafkaSettings, ids: list[str], plan: Plan) -> None:
    producer = Producer(
        {"bootstrap.servers": kafka.bootstrap_servers, "linger.ms": 5, "enable.idempotence": True}
    )
    rule = a_rule({"webhook": {"destination": "crm", "type": "welcome"}})
    topic, began = ACTIONS_WORK.full_name(kafka.topic_prefix), time.monotonic()
    for number, firing_id in enumerate(ids):
        while number > (time.monotonic() - began) * plan.per_s:
            producer.poll(STEP_S)
        now = int(time.time() * 1000)  # noqa: TID251 - firings are of now, or they would have expired
        fields = {
            "at": now,
            "seen_at": now,
            "confirmed_at": now,
            "profile": number + 1,
            "subject": number + 1,
        }
        firing = a_firing(
            rule, event=None, id=firing_id, occurrence=f"0-{number}-0", message_id=f"m{number}", **fields
        )
        place = partition_of((number + 1).to_bytes(8, "big"), PARTITIONS)
        for _ in range(1 + (number % 10 == 0)):  # confirmation may repeat itself
            producer.produce(topic, value=encode_work([firing]), partition=place)
    assert producer.flush(PATIENCE_S) == 0


def _settled(trail: Trail, ids: list[str]) -> bool:
    trail.read()
    return len(trail.done) >= len(ids)


def _judged(
    ids: list[str], there: Receiver, moody: Moody, trail: Trail, kills: dict[str, int], seconds: float
) -> Tally:
    bodies: dict[str, set[bytes]] = {}
    for got in there.got:
        bodies.setdefault(got.id, set()).add(got.body)
    return Tally(
        firings=len(ids),
        kills=kills,
        requests=len(there.got),
        seconds=seconds,
        never_taken=[each for each in ids if not moody.taken[each]],
        unknown=sorted((set(bodies) | set(trail.done)) - set(ids)),
        not_done_once=[each for each in ids if trail.done[each] != 1],
        changed=sorted(name for name, found in bodies.items() if len(found) != 1),
        delivered_twice=sorted(
            f"{name} {attempt}" for (name, attempt), times in trail.delivered.items() if times != 1
        ),
    )


def _processes(kafka: KafkaSettings, folder: Path, delivery: str) -> dict[str, Supervised]:
    environ = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "STITCHLINE_TOPIC_PREFIX": kafka.topic_prefix,
        "STITCHLINE_PARTITIONS": str(PARTITIONS),
        "STITCHLINE_REPLICATION_FACTOR": "1",
        "STITCHLINE_MIN_INSYNC_REPLICAS": "1",
        "STITCHLINE_HASH_KEY": HASH_KEY,
        "FIRINGS_SECRET": SECRET,
        "RULES_STATE_DIR": str(folder / "rules"),
        "RULES_INSTANCE_ID": "rules",
        "RULES_TICK_S": "0.5",
        "DELIVER_INSTANCE_ID": "deliver",
        "PROCESSOR_SESSION_TIMEOUT_S": "6",
        "PROCESSOR_DELIVERY": delivery,
        "DELIVER_SESSION_TIMEOUT_S": "6",
        "STITCHLINE_LEASHED": "1",
    }
    return {
        name: Supervised(
            Spec(
                name=name,
                stage=name,
                argv=[sys.executable, "-m", "deploy", name],
                environ=os.environ | environ,
                log=folder / f"{name}.log",
            ),
            lambda found: logging.getLogger("firings").warning("%s ended with %s", found.name, found.code),
        )
        for name in ("rules", "deliver")
    }


def _reader(kafka: KafkaSettings, topic: Topic) -> Consumer:
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap_servers,
            "group.id": "trail",
            "isolation.level": "read_committed",
        }
    )
    name = topic.full_name(kafka.topic_prefix)
    consumer.assign([TopicPartition(name, place, 0) for place in range(PARTITIONS)])
    return consumer


def _records(consumer: Consumer) -> list[dict[str, object]]:
    messages = consumer.consume(5_000, STEP_S)
    assert all(each.error() is None for each in messages)
    return [decode(value) for each in messages if (value := each.value()) is not None]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.firings", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--firings", type=int, default=10_000)
    parser.add_argument("--per-s", type=int, default=200)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(1_000_000))
    parser.add_argument("--delivery", choices=["faust", "plain"], default="faust")
    options = parser.parse_args()
    logs.configure("chaos", logging.WARNING)
    plan = Plan(
        firings=options.firings,
        per_s=options.per_s,
        kill_s=(3.0, 9.0),
        seed=options.seed,
        delivery=options.delivery,
    )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        engine = load(EngineSettings, os.environ)
        with engines.embedded_kafka(folder, engine, lambda line: None) as bootstrap:
            tally = play(bootstrap, "chaos-", folder, plan)
    told = msgspec.to_builtins(tally) | {name: found[:5] for name, found in tally.wrongs.items()}
    sys.stdout.write(json.dumps({"seed": options.seed} | told, indent=1) + "\n")
    return 1 if tally.wrongs else 0


if __name__ == "__main__":
    sys.exit(main())
