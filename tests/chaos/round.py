"""One round: a fleet under load meets faults, comes to rest, and is judged.

What is drawn comes from the round's seed; when exactly a fault meets which transaction is up to the machine. Where a round finds
something wrong, its folder with logs and data is kept.
"""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import TypeVar

import msgspec
from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import KafkaException
from urllib3.exceptions import HTTPError

from runtime.environment.settings import ProcessorSettings, load
from sinks.storing.clickhouse import connect
from tests.chaos import oracle, orders, state
from tests.chaos.faults import Fault, draw
from tests.chaos.fleet import HASH_KEY, Fleet, Shape, running
from tests.chaos.load import Load, parse_id
from tests.chaos.oracle import Tables, Told
from tests.chaos.tally import Injected, Round
from tests.engines import asking

PROBE_PEOPLE = 48  # of four partitions, all: that one gets none of them is less likely than one in 200,000
STUCK_S = 180.0
SETTLE_S = 180.0
ASK_S = 0.1
PAUSE_S = (0.0, 2.0)
COMPANION_SHARE = 0.33
AWAY = (ClickHouseError, HTTPError, OSError)
T = TypeVar("T")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`script` is played in order; after it `faults` are drawn, of `kinds` or of all. `say` is told what happens."""

    seed: int
    number: int = 0
    shape: Shape = Shape()
    script: Sequence[Fault] = ()
    faults: int = 0
    kinds: tuple[str, ...] = ()
    events_per_s: int = 250
    say: Callable[[str], None] = print


def play(folder: Path, plan: Plan) -> Round:
    """Raises nothing that the fleet does: what is wrong is in the answer."""
    began = time.monotonic()
    with running(folder, plan.shape) as fleet:
        random = Random(f"{plan.seed}/{plan.number}")  # noqa: S311 - reproducible
        run = Load(fleet.collector_url, f"r{plan.number}", random, events_per_s=plan.events_per_s)
        run.start()
        match = _Match(fleet, run, plan, random)
        match.inject_all()
        wrongs = match.wrongs or match.settled()
        verdict = match.verdict
        return Round(
            seed=plan.seed,
            number=plan.number,
            shape=_in_words(plan.shape),
            faults=match.injected,
            events=len(run.book.accepted),
            attempts=run.book.attempts,
            failures=run.book.failures,
            lost=verdict.lost,
            doubled=verdict.doubled,
            wrongs=[*wrongs, *verdict.others],
            exits=[f"{one.name} {one.code}" for one in fleet.exits],
            seconds=round(time.monotonic() - began, 1),
        )


class _Match:
    def __init__(self, fleet: Fleet, run: Load, plan: Plan, random: Random) -> None:
        self._fleet = fleet
        self._load = run
        self._plan = plan
        self._random = random
        self._probes = 0
        self.injected: list[Injected] = []
        self.wrongs: list[str] = []
        self.verdict = oracle.Verdict(0, 0, [])

    def inject_all(self) -> None:
        self._order(self._load.names[::2])
        for fault in self._plan.script:
            if not self._face(fault, None):
                return
        while len(self.injected) < len(self._plan.script) + self._plan.faults:
            companion = self._draw() if self._random.random() < COMPANION_SHARE else None
            if not self._face(self._draw(), companion):
                return
            time.sleep(self._random.uniform(*PAUSE_S))

    def _draw(self) -> Fault:
        return draw(self._fleet, self._random, self._plan.kinds)

    def _face(self, fault: Fault, companion: Fault | None) -> bool:
        """One fault, or two whose effects meet; False when the fleet does not recover."""
        second = threading.Thread(target=self._accompany, args=(companion,)) if companion else None
        if second:
            second.start()
        recovered = self._suffer(fault)
        if second:
            second.join()
        if recovered:
            self._order(self._load.names)
        return recovered and not self.wrongs

    def _order(self, senders: list[str]) -> None:
        """Those of the others come when much of theirs was stored already."""
        orders.send(self._fleet.kafka_settings, orders.orders_for(senders, bytes.fromhex(HASH_KEY)))

    def _accompany(self, fault: Fault) -> None:
        time.sleep(self._random.uniform(*PAUSE_S))
        try:
            if fault.can(self._fleet):
                self._suffer(fault)
        except Exception as error:  # a thread's root: nothing above would see it
            self.wrongs.append(f"{fault.kind}: {error!r}")

    def _suffer(self, fault: Fault) -> bool:
        fault.moment(self._fleet)
        began = time.monotonic()
        fault.inject(self._fleet, self._random)
        self._probes += 1
        is_well = self._flows_again(self._probes, began + STUCK_S)
        seconds = round(time.monotonic() - began, 2)
        self.injected.append(Injected(fault.kind, seconds))
        self._plan.say(f"{fault.kind}: {seconds:.1f} s" + ("" if is_well else ", and nothing flows"))
        if not is_well:
            self.wrongs.append(f"stuck after {fault.kind}")
        return is_well

    def _flows_again(self, number: int, deadline: float) -> bool:
        try:
            ids = self._load.probe(number, PROBE_PEOPLE, deadline)
        except TimeoutError:
            return False
        return self._until(lambda tables: tables.stored(ids) == len(ids), deadline)

    def settled(self) -> list[str]:
        """What is wrong at the end; an engine that does not answer any more is."""
        try:
            return self._settle()
        except (*AWAY, AssertionError, KafkaException) as error:
            return [f"cannot be judged: {error!r}"]

    def _settle(self) -> list[str]:
        """Wait until all is at rest, end the processors in order, and look at everything."""
        self._load.finish(SETTLE_S)
        book = self._load.book
        absent = orders.rightly_absent(book.accepted)
        told = Told(frozenset(book.accepted - absent), frozenset(book.unsure | absent))
        deadline = time.monotonic() + SETTLE_S
        self._until(lambda tables: not oracle.missing(told, tables.rows()), deadline)
        self._until(lambda tables: not self._people(tables, told), deadline)
        kafka = self._fleet.kafka_settings
        for _ in asking(ASK_S, it_stays=True):
            if state.is_done(state.logs(kafka)) or time.monotonic() > deadline:
                break
        self._fleet.end_processors()
        found = state.logs(kafka)
        rows = self._asked(lambda tables: tables.rows())
        self._until(lambda tables: not self._sums(tables, found, len(rows)), deadline)
        self.verdict = oracle.judge(told, rows)
        settings = load(ProcessorSettings, {"STITCHLINE_HASH_KEY": HASH_KEY})
        wrongs = state.wrongs(found, settings, self._fleet.state_dirs())
        wrongs += self._asked(lambda tables: self._sums(tables, found, len(rows)))
        wrongs += oracle.trait_wrongs(rows, self._asked(lambda tables: tables.traits()))
        wrongs += self._asked(lambda tables: self._people(tables, told))
        if not state.is_done(found):
            wrongs.append("input that nobody processed")
        if count := found.unsettled():
            wrongs.append(f"a transaction is open in {count} partitions")
        return wrongs

    def _people(self, tables: Tables, told: Told) -> list[str]:
        """In words, who is not who they should be."""
        profiles = tables.profiles()
        ordinary = frozenset(text for text in told.accepted if not orders.is_unlinked(parse_id(text)))
        wrongs = []
        if apart := oracle.people_apart(profiles, ordinary):
            wrongs.append(f"{len(apart)} people are not one profile: {apart[:3]}")
        if disobeyed := orders.disobeyed(profiles, told.accepted, bytes.fromhex(HASH_KEY)):
            wrongs.append(f"{len(disobeyed)} events are not where orders left them: {disobeyed[:3]}")
        return wrongs

    def _sums(self, tables: Tables, found: state.Logs, rows: int) -> list[str]:
        return oracle.ledger_wrongs(tables.ledger(), tables.letters(), found, rows)

    def _until(self, holds: Callable[[Tables], bool], deadline: float) -> bool:
        for _ in asking(ASK_S, it_stays=True):
            try:
                if self._asked(holds):
                    return True
            except AWAY:
                pass
            if time.monotonic() > deadline:
                break
        return False

    def _asked(self, question: Callable[[Tables], T]) -> T:
        """On a connection of its own: the engine may have been killed since the last one."""
        client = connect(self._fleet.clickhouse_settings, timeout_s=10)
        try:
            return question(Tables(client))
        finally:
            client.close()


def _in_words(shape: Shape) -> str:
    names = "static" if shape.is_static else "dynamic"
    return f"{shape.delivery or 'default'} delivery, {names} membership, {shape.processors} processors"
