"""How a command knows that what it sent has been taken over: by the positions that processors and sinks have committed."""

from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from runtime.environment.settings import KafkaSettings
from runtime.kafka import KafkaUnavailable, client_config
from runtime.sending import send
from runtime.streams.part import PartOpener, PartSpec
from runtime.streams.progress import NotAcknowledged, Progress
from schemas.stream import OutputRecord
from schemas.topics import CONTACTS_FACTS, EVENTS_DEAD, EVENTS_RAW, IDENTITY_FACTS, RULES_FACTS
from tests.runtime.toy_part import chunk, closed_after

PATIENCE_S = 60
AT_ONCE_S = 0.1
GROUP = "a-sink"
SINKS = {"dead": (GROUP, EVENTS_DEAD)}


def record(partition: int = 0, topic: str = EVENTS_RAW.name) -> OutputRecord:
    return OutputRecord(topic, partition, b"order", b"one")


def test_what_was_sent_stands_where_it_is_told(settings: KafkaSettings) -> None:
    assert send(settings, [record(0), record(3), record(0)]) == {("events.raw", 0): 2, ("events.raw", 3): 1}
    assert Progress(settings, AT_ONCE_S).ends(EVENTS_RAW) == {
        ("events.raw", 0): 2, ("events.raw", 1): 0, ("events.raw", 2): 0, ("events.raw", 3): 1,
    }  # fmt: skip


def test_a_record_is_taken_over_when_its_partitions_position_is_behind_it(
    settings: KafkaSettings, spec: Callable[..., PartSpec], opener: PartOpener
) -> None:
    ends = send(settings, [record(), record()])
    with pytest.raises(NotAcknowledged, match=r"processor partitions resolve \(0\)"):
        Progress(settings, AT_ONCE_S).wait_processed(ends)
    closed_after(spec(), opener, chunk(0, b"a"))
    with pytest.raises(NotAcknowledged):
        Progress(settings, AT_ONCE_S).wait_processed(ends)
    closed_after(spec(), opener, chunk(1, b"b"))
    Progress(settings, PATIENCE_S).wait_processed(ends)


def test_a_process_of_rules_is_waited_for_once_it_has_ever_run(
    settings: KafkaSettings, spec: Callable[..., PartSpec], opener: PartOpener
) -> None:
    ends = send(settings, [record(topic=CONTACTS_FACTS.name), record(topic=RULES_FACTS.name)])
    Progress(settings, AT_ONCE_S).wait_processed(ends)
    closed_after(spec(agent="rules"), opener, chunk(0, b"a"))
    with pytest.raises(NotAcknowledged, match=r"processor partitions contacts \(0\)"):
        Progress(settings, AT_ONCE_S).wait_processed(ends)
    closed_after(spec(agent="contacts"), opener, chunk(0, b"a"))
    Progress(settings, PATIENCE_S).wait_processed(ends)


def test_an_empty_topic_has_nothing_to_wait_for(settings: KafkaSettings) -> None:
    progress = Progress(settings, AT_ONCE_S)
    progress.wait_processed(progress.ends(IDENTITY_FACTS))
    progress.wait_stored(SINKS)


def test_a_sink_is_past_markers_of_transactions_without_storing_any(settings: KafkaSettings) -> None:
    _transaction(settings, commit=True)
    _transaction(settings, commit=False)
    with pytest.raises(NotAcknowledged, match=r"sink partitions dead \(0\)"):
        Progress(settings, AT_ONCE_S).wait_stored(SINKS)
    _stored_up_to(settings, 1)
    Progress(settings, PATIENCE_S).wait_stored(SINKS)


def test_a_transaction_that_is_open_is_waited_for(settings: KafkaSettings) -> None:
    _stored_up_to(settings, 0)
    producer = _open_transaction(settings)
    with pytest.raises(NotAcknowledged):
        Progress(settings, AT_ONCE_S).wait_stored(SINKS)
    producer.abort_transaction(PATIENCE_S)
    Progress(settings, PATIENCE_S).wait_stored(SINKS)


def test_a_kafka_that_is_away_is_told() -> None:
    away = KafkaSettings(bootstrap_servers="127.0.0.1:1", answer_timeout_s=1)
    with pytest.raises(KafkaUnavailable, match=r"127\.0\.0\.1:1"):
        send(away, [record()])


def _open_transaction(settings: KafkaSettings) -> Producer:
    producer = Producer(client_config(settings) | {"transactional.id": f"{settings.topic_prefix}test"})
    producer.init_transactions(PATIENCE_S)
    producer.begin_transaction()
    producer.produce(EVENTS_DEAD.full_name(settings.topic_prefix), value=b"letter", partition=0)
    producer.flush(PATIENCE_S)
    return producer


def _transaction(settings: KafkaSettings, *, commit: bool) -> None:
    producer = _open_transaction(settings)
    (producer.commit_transaction if commit else producer.abort_transaction)(PATIENCE_S)


def _stored_up_to(settings: KafkaSettings, offset: int) -> None:
    consumer = Consumer(client_config(settings) | {"group.id": GROUP, "enable.auto.commit": False})
    place = TopicPartition(EVENTS_DEAD.full_name(settings.topic_prefix), 0, offset)
    consumer.commit(offsets=[place], asynchronous=False)
    consumer.close()
