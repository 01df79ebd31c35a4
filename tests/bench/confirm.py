"""Stage `confirm`: candidates a second from rules.candidates to actions.work, what they cost, and how long one alone takes.

    python -m tests.bench confirm

The stage is a process of its own between a real Kafka and a real ClickHouse, in which the people are whom the candidates are of,
two nodes and three traits each. Nothing else runs, so nothing is waited for: what is measured is the stage and its questions.
"""

import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median
from typing import Any

import clickhouse_connect
import msgspec
import psutil

from schemas.rules.rule_candidates import Candidate
from schemas.rules.rules import Rule
from schemas.wire.codec import POINTER, RESOLVED_EVENT
from sinks.storing.tables import DICTIONARIES
from tests import engines
from tests.bench.figures import Figure
from tests.bench.meter import Meter
from tests.sinks.confirming.confirming import HASH_KEY, NOW, SECOND, Confirming, candidate, id_of, rule
from tests.sinks.stage import Stage, Tables, Topics, event, pointer

PEOPLE = 5_000
CANDIDATES = 20_000
SINGLE = 15
RATE_MIN = 2_000
WARM = 200
RULES: dict[str, dict[str, Any]] = {
    "no conditions": {},
    "a trait and a segment": {
        "conditions": {"not_in_segments": ["staff"], "traits": [{"name": "plan", "op": "eq", "value": "pro"}]}
    },
    "a trait that changed": {"trigger": {"trait": {"name": "plan"}}},
}


def people(tables: Tables) -> list[int]:
    """A phone and a profile for each."""
    phones = [10_000_000 + number for number in range(PEOPLE)]
    events, pointers = [], []
    for number, phone in enumerate(phones):
        whose = phone + PEOPLE
        traits = msgspec.json.encode(
            {"plan": "pro", "name": f"Ann {number}", "email": f"ann{number}@shop.example"}
        )
        said = {"subject": whose, "type": "identify", "event": "", "traits": traits.decode()}
        events.append(event(phone, **said, timestamp=NOW - 3_600 * SECOND, anonymous_id=""))
        pointers.append(pointer(phone, whose))
    tables.insert("events_in", RESOLVED_EVENT, events, "people")
    tables.insert("pointers_in", POINTER, pointers, "pointers")
    tables.reload(DICTIONARIES)
    return phones


def through(confirm: Confirming, of: Rule, subjects: Sequence[int], count: int) -> float:
    """Seconds until all of them have come out."""
    said = {"type": "identify", "traits": {"plan": "team"}}
    candidates: list[Candidate] = [candidate(of, subjects[n % len(subjects)], said) for n in range(count)]
    wanted = {id_of(each) for each in candidates}
    confirm.came.clear()
    began = time.monotonic()
    for start in range(0, count, 2_000):
        confirm.send(*candidates[start : start + 2_000])
    confirm.wait(lambda: len(confirm.firings()) >= count)
    seconds = time.monotonic() - began
    assert {firing.id for _, firing in confirm.came} == wanted
    assert not any(firing.refused for _, firing in confirm.came)
    return seconds


def figures(confirm: Confirming, process: psutil.Process, phones: Sequence[int]) -> Iterator[Figure]:
    rules = {name: rule(**said) for name, said in RULES.items()}
    confirm.apply(*rules.values())
    for name, of in rules.items():
        through(confirm, of, phones, WARM)
        meter = Meter({"stage": process})
        seconds = through(confirm, of, phones, CANDIDATES)
        cpu = meter.cpu_s()["stage"] / CANDIDATES * 10_000
        rate = CANDIDATES / seconds
        yield Figure(stage="confirm", name=f"{name}: candidates", value=rate, unit="/s", at_least=RATE_MIN)
        yield Figure(stage="confirm", name=f"{name}: CPU of the stage per 10,000", value=cpu, unit="CPU-s")
    alone = [through(confirm, rules["no conditions"], phones[n:], 1) for n in range(SINGLE)]
    yield Figure(
        stage="confirm", name="one alone: median time to confirmation", value=median(alone), unit="s"
    )


def run() -> list[Figure]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bootstrap = stack.enter_context(engines.kafka_engine(folder, {}, lambda _: None))
        url = stack.enter_context(engines.clickhouse_engine(folder, {}))
        topics = Topics(bootstrap, f"bench{uuid.uuid4().hex[:8]}-")
        with closing(clickhouse_connect.get_client(dsn=url)) as client:
            client.command("CREATE DATABASE bench")
        confirm = Confirming(topics, Tables(url, "bench"))
        stack.callback(confirm.close)
        phones = people(confirm.tables)
        there = Stage(topics, confirm.tables, folder)
        sink = stack.enter_context(there.sink("confirm", STITCHLINE_HASH_KEY=HASH_KEY))
        return list(figures(confirm, psutil.Process(sink.pid), phones))
