"""What a process learns from a real broker about how far behind it is."""

import json
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import msgspec
import pytest
import structlog
from confluent_kafka import Producer
from prometheus_client import Gauge
from prometheus_client.samples import Sample

from runtime import logs, lookup, metrics
from runtime.environment.settings import KafkaSettings
from runtime.kafka import client_config
from runtime.watch.judgement import Phase, Sight, Survey
from runtime.watch.survey import Surveyor
from schemas.topics import EVENTS_RAW, IDENTITY_FACTS
from tests.engines import free_port, wait_until
from tests.runtime.topic_log import eventually, write_topic

NOW_MS = 4_000_000_000_000
WEEK_S = 7 * 86_400


def gauge(*labels: str) -> Gauge:
    return Gauge("lag", "of a test", labels, registry=None)


def samples(shown: Gauge) -> list[Sample]:
    return [sample for family in shown.collect() for sample in family.samples]


class Scene:
    """A surveyor, and what it is told to see."""

    def __init__(self, settings: KafkaSettings, *, hangs_after_s: float = 3600) -> None:
        self.settings = settings
        self.sights: list[Sight] = []
        by_partition = ("agent", "partition")
        self.gauges = metrics.LagGauges(
            gauge(*by_partition), gauge(*by_partition), gauge(*by_partition), gauge("agent", "phase")
        )
        self.surveyor = Surveyor(
            settings,
            lambda: self.sights,
            self.gauges,
            hangs_after_s=hangs_after_s,
            now_ms=lambda: NOW_MS,
        )

    def see(self, position: int | None, topic: str = EVENTS_RAW.name, **fields: Any) -> Survey:
        prefix = self.settings.topic_prefix
        self.sights = [
            Sight(
                reader="resolve",
                topic=prefix + topic,
                partition=0,
                phase=Phase.RUNNING,
                position=position,
                beats=0,
                changelog=f"{prefix}g1-resolve-changelog",
                **fields,
            )
        ]
        return self.asked()

    def asked(self) -> Survey:
        """After the first round that is answered: a new topic's leader may not be known yet."""

        def answer() -> Survey | None:
            self.surveyor.round()
            return self.surveyor.survey if self.surveyor.survey.answers else None

        return eventually(answer)

    def shown(self) -> list[float]:
        """Lag in records and seconds, and what is left of the retention."""
        return [sample.value for each in self.gauges[:3] for sample in samples(each)]


@pytest.fixture
def scene(settings: KafkaSettings) -> Scene:
    return Scene(settings)


def transactional(settings: KafkaSettings, values: list[bytes]) -> Producer:
    """A producer with an open transaction that the broker has."""
    producer = Producer(client_config(settings) | {"transactional.id": f"{settings.topic_prefix}other"})
    producer.init_transactions(30)
    producer.begin_transaction()
    for value in values:
        producer.produce(settings.topic_prefix + IDENTITY_FACTS.name, value=value, partition=0)
    assert producer.flush(30) == 0
    return producer


def test_records_in_hand_and_records_that_wait_are_a_lag(scene: Scene) -> None:
    write_topic(scene.settings, EVENTS_RAW.name, [(0, b"x")] * 10)
    assert scene.see(4, oldest_ms=NOW_MS - 5_000) == Survey(answers=True)
    assert scene.shown() == [6, 5, WEEK_S - 5]
    assert scene.see(4).waiting == {}  # not before it stands still
    assert scene.see(4).waiting == {("resolve", 0): 4}
    records, seconds, left = scene.shown()
    assert records == 6
    assert seconds > 0
    assert left == pytest.approx(WEEK_S - seconds)


def test_a_partition_without_lag_shows_none(scene: Scene) -> None:
    write_topic(scene.settings, EVENTS_RAW.name, [(0, b"x")] * 10)
    assert scene.see(10) == Survey(answers=True)
    assert scene.shown() == [0, 0, WEEK_S]


def test_transactions_markers_are_no_lag(scene: Scene) -> None:
    producer = transactional(scene.settings, [b"x"] * 3)
    producer.commit_transaction(30)
    scene.see(3, IDENTITY_FACTS.name)  # the marker is the fourth offset
    assert scene.see(3, IDENTITY_FACTS.name).waiting == {}
    assert scene.shown() == [0, 0, WEEK_S]
    producer.begin_transaction()
    producer.produce(scene.settings.topic_prefix + IDENTITY_FACTS.name, value=b"y", partition=0)
    producer.commit_transaction(30)
    producer.close()
    # Who commits is answered before the marker is in the partition, and until then nothing shows what it ends.
    waiting = {("resolve", 0): 3}
    wait_until(
        lambda: scene.see(3, IDENTITY_FACTS.name).waiting == waiting, 30, "the second marker is written"
    )


def test_a_partition_that_went_elsewhere_is_not_shown_any_more(scene: Scene) -> None:
    eventually(lambda: scene.see(0) and scene.shown())
    scene.sights = []
    assert scene.asked() == Survey(answers=True)
    assert scene.shown() == []


def test_phases_are_counted(scene: Scene) -> None:
    scene.see(None)
    shown = {sample.labels["phase"]: sample.value for sample in samples(scene.gauges.phases)}
    assert shown == {phase.value: float(phase is Phase.RUNNING) for phase in Phase}


def test_a_partition_that_left_before_its_position_was_known_is_counted_in_no_phase(scene: Scene) -> None:
    scene.see(None)
    scene.sights = []
    scene.asked()
    assert {sample.value for sample in samples(scene.gauges.phases)} == {0.0}


def test_a_late_reader_that_caught_up_but_for_markers_is_late_no_more(scene: Scene) -> None:
    producer = transactional(scene.settings, [b"x"] * 3)
    producer.commit_transaction(30)
    producer.close()
    eventually(lambda: scene.see(1, IDENTITY_FACTS.name, oldest_ms=NOW_MS - 90_000) and scene.shown())
    assert scene.shown()[1] == 90
    scene.see(3, IDENTITY_FACTS.name)  # it has moved on; the marker is the fourth offset
    assert scene.shown() == [0, 0, WEEK_S]


def test_a_broker_that_is_away_does_not_answer(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "TIMEOUT_S", 1.0)
    away = msgspec.structs.replace(settings, bootstrap_servers=f"127.0.0.1:{free_port()}")
    scene = Scene(away)
    scene.surveyor.round()
    assert scene.surveyor.survey == Survey(answers=False)


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What is logged."""
    out = StringIO()
    logs.configure("test", out=out)
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    structlog.reset_defaults()


def test_a_transaction_that_never_ends_is_told_with_the_command_that_ends_it(
    settings: KafkaSettings, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    scene = Scene(settings, hangs_after_s=0.0)
    producer = transactional(settings, [b"x"] * 3)
    eventually(lambda: scene.see(0, IDENTITY_FACTS.name) and hanging() == 1)
    [told] = [line for line in lines() if line["event"].startswith("a transaction hangs")]
    topic = settings.topic_prefix + IDENTITY_FACTS.name
    assert (told["topic"], told["partition"], told["start"], told["end"]) == (topic, 0, 0, 3)
    assert told["mend"].endswith(f"abort --topic {topic} --partition 0 --start-offset 0")
    producer.abort_transaction(30)
    producer.close()
    eventually(lambda: scene.see(0, IDENTITY_FACTS.name) and hanging() == 0)


def hanging() -> float:
    [sample] = samples(metrics.HANGING_TRANSACTIONS)
    return sample.value
