"""What a question about one person costs: look-ups and journeys, each of another person, on the ten million events of people.py.

CLICKHOUSE_URL and STITCHLINE_DATABASE name a database that has them already; one that has none is filled. Every look-up is
made as the console makes it, of somebody whom nobody has asked for yet, so that no answer is remembered. Times are of the whole
look-up, by a client on the same machine.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from console.journey import Wish
from console.people import Person
from console.profiles import Profiles
from console.store import Store
from runtime.environment.settings import ClickHouseSettings, QuestionSettings
from tests import engines
from tests.bench import people
from tests.bench.figures import Figure
from tests.sinks.stage import Tables

PEOPLE = 300
JOURNEY_EVENTS = 50
SUBJECTS_SQL = """\
SELECT anonymous_id FROM events
WHERE cityHash64(subject) % 977 = 0 AND anonymous_id != ''
GROUP BY anonymous_id ORDER BY cityHash64(anonymous_id) LIMIT {limit}"""
P99_MS_MAX, JOURNEY_MS_MAX = 50.0, 100.0


def figures(settings: ClickHouseSettings) -> list[Figure]:
    tables = Tables(settings.url, settings.database)
    if tables.row("SELECT count() FROM events") == (0,):
        people.fill(tables.client)
    names = [name for (name,) in tables.rows(SUBJECTS_SQL.replace("{limit}", str(PEOPLE * 2)))]
    store = Store(settings, QuestionSettings())
    try:
        asked = Profiles(store, "main", now_ms=people.UNTIL_MS, nodes_max=QuestionSettings().nodes_max)
        return [*_looked_up(asked, names[::2]), *_journeys(asked, names[1::2])]
    finally:
        store.close()
        tables.client.close()


def _looked_up(asked: Profiles, names: list[str]) -> list[Figure]:
    times = [_ms(lambda name=name: asked.look_up(f"anonymous_id:{name}")) for name in names]  # type: ignore[misc]
    return [
        _figure("profile look-up p50", _share(times, 0.5), None),
        _figure("profile look-up p99", _share(times, 0.99), P99_MS_MAX),
    ]


def _journeys(asked: Profiles, names: list[str]) -> list[Figure]:
    found = [_person(asked, name) for name in names]
    wish = Wish(limit=JOURNEY_EVENTS, order="desc")
    times = [_ms(lambda person=person: asked.journey(person, wish)) for person in found]  # type: ignore[misc]
    return [
        _figure(f"journey of {JOURNEY_EVENTS} events p50", _share(times, 0.5), JOURNEY_MS_MAX),
        _figure(f"journey of {JOURNEY_EVENTS} events p99", _share(times, 0.99), None),
    ]


def _person(asked: Profiles, name: str) -> Person:
    return asked.person(f"anonymous_id:{name}")


def _ms(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _share(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def _figure(name: str, value: float, at_most: float | None) -> Figure:
    return Figure(stage="people", name=name, value=round(value, 1), unit="ms", at_most=at_most)


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, engines.clickhouse_engine(Path(folder), os.environ) as url:
        return figures(ClickHouseSettings(url=url, database=os.environ.get("STITCHLINE_DATABASE", "people")))
