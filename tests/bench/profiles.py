"""What a question about one person costs: look-ups and journeys, each of another person, on the ten million events of people.py.

A thousand look-ups and as many journeys, after some of others, each as the console makes it and of somebody whom nobody has asked
for yet, so that no answer is remembered. Times are of the whole look-up, by a client on the same machine, with the data in memory
(people.py): from disk, the tail is the disk's. A hundred of each must say what the views over everybody say.
"""

import gc
import os
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from clickhouse_connect.driver.client import Client

from console.journey import Wish
from console.profiles import Profiles
from console.store import Store
from runtime.clickhouse import connect
from runtime.environment.settings import ClickHouseSettings, QuestionSettings
from tests.bench import people, people_plain
from tests.bench.figures import Figure

PEOPLE = 1_000
WARM_UP = 20
JOURNEY_EVENTS = 50
COMPARED = 100
SUBJECTS_SQL = """\
SELECT anonymous_id FROM events
WHERE cityHash64(subject) % 97 = 0 AND anonymous_id != ''
GROUP BY anonymous_id ORDER BY cityHash64(anonymous_id) LIMIT {limit}"""
P99_MS_MAX, JOURNEY_MS_MAX = 50.0, 100.0

Of = TypeVar("Of")
Told = TypeVar("Told")


def figures(settings: ClickHouseSettings) -> list[Figure]:
    client = connect(settings, timeout_s=people.STATEMENT_S_MAX)
    names = [
        name
        for (name,) in client.query(SUBJECTS_SQL.replace("{limit}", str((PEOPLE + WARM_UP) * 2))).result_rows
    ]
    store = Store(settings, QuestionSettings())
    gc.freeze()  # as the console's process does
    try:
        asked = Profiles(store, "main", now_ms=people.UNTIL_MS, nodes_max=QuestionSettings().nodes_max)
        return [*_looked_up(asked, client, names[::2]), *_journeys(asked, client, names[1::2])]
    finally:
        store.close()
        client.close()


def _looked_up(asked: Profiles, client: Client, names: list[str]) -> list[Figure]:
    found, times = _timed(lambda name: asked.look_up(f"anonymous_id:{name}"), names)
    people_plain.must_be_equal(client, found[:COMPARED])
    slowest = found[times.index(max(times))]
    whose = f"{slowest.events} events, {len(slowest.identifiers)} identifiers, {len(slowest.devices)} devices"
    return [
        _figure("profile look-up p50", _share(times, 0.5), None),
        _figure("profile look-up p99", _share(times, 0.99), P99_MS_MAX),
        _figure(f"the slowest look-up, of {whose}", max(times), None),
        _equal("profiles that are as the plain view has them", len(found[:COMPARED])),
    ]


def _journeys(asked: Profiles, client: Client, names: list[str]) -> list[Figure]:
    """Each in two steps: who it is, and the page."""
    wish = Wish(limit=JOURNEY_EVENTS, order="desc")
    whose, who = _timed(lambda name: asked.person(f"anonymous_id:{name}"), names)
    found, page = _timed(lambda person: asked.journey(person, wish), whose)
    whose, who = whose[WARM_UP:], who[WARM_UP:]
    pages = {person.profile: journey for person, journey in zip(whose, found, strict=True)}
    compared = dict(list(pages.items())[:COMPARED])
    people_plain.journeys_must_be_equal(client, compared, JOURNEY_EVENTS)
    both = [sum(each) for each in zip(who, page, strict=True)]
    return [
        _figure(f"journey of {JOURNEY_EVENTS} events p50", _share(page, 0.5), JOURNEY_MS_MAX),
        _figure(f"journey of {JOURNEY_EVENTS} events p99", _share(page, 0.99), None),
        _figure("the same with whose an identifier is, p50", _share(both, 0.5), JOURNEY_MS_MAX),
        _figure("the same with whose an identifier is, p99", _share(both, 0.99), None),
        _equal("journeys that are as the plain view has them", len(compared)),
    ]


def _timed(ask: Callable[[Of], Told], of: Sequence[Of]) -> tuple[list[Told], list[float]]:
    """Answers and milliseconds, of all but those that warm up."""
    told, times = list[Told](), list[float]()
    for each in of:
        began = time.perf_counter()
        told.append(ask(each))
        times.append((time.perf_counter() - began) * 1000)
    return told[WARM_UP:], times[WARM_UP:]


def _share(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def _figure(name: str, value: float, at_most: float | None) -> Figure:
    return Figure(stage="people", name=name, value=round(value, 1), unit="ms", at_most=at_most)


def _equal(name: str, found: int) -> Figure:
    return Figure(stage="people", name=name, value=found, unit="people", at_most=None)


def run() -> list[Figure]:
    with people.stored(os.environ) as settings:
        return figures(settings)
