"""What a process remembers of pointers: little, lately, and without ever being waited for."""

import time
from collections.abc import Iterator

import msgspec
import pytest
from confluent_kafka import Producer

from runtime.environment.settings import KafkaSettings
from runtime.kafka import client_config
from runtime.streams.pointers import Owners, PointerTail
from schemas.identity.identifiers import partition_of, profile_id
from schemas.topics import IDENTITY_POINTERS
from schemas.wire.codec import encode_pointer
from tests.engines import free_port, wait_until

NODES_MAX = 40
PATIENCE_S = 60


@pytest.fixture
def failures() -> Iterator[list[BaseException]]:
    found: list[BaseException] = []
    yield found
    assert found == []


def test_the_node_that_nobody_asked_for_goes_first():
    owners = Owners(nodes_max=3)
    owners.learn([(1, 10), (2, 20), (3, 30)])
    assert owners(1) == 10
    owners.learn([(4, 40)])
    assert [owners(node) for node in (1, 2, 3, 4)] == [10, None, 30, 40]
    assert len(owners) == 3


def test_the_newest_word_counts_and_a_node_can_be_forgotten():
    owners = Owners(nodes_max=3)
    owners.learn([(1, 10), (2, 20), (1, 11), (2, None), (3, 3)])
    assert [owners(node) for node in (1, 2, 3)] == [11, None, 3]


class Writer:
    """Pointers, as the identity step writes them: in transactions."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._topic = IDENTITY_POINTERS.full_name(kafka.topic_prefix)
        self._partitions = kafka.partitions
        self._producer = Producer(
            client_config(kafka) | {"transactional.id": f"{kafka.topic_prefix}pointers"}
        )
        self._producer.init_transactions(PATIENCE_S)

    def write(self, *pointers: tuple[int, int], contested: bool = False, aborted: bool = False) -> None:
        self._producer.begin_transaction()
        for node, owner in pointers:
            segment = {"valid_from": 0, "valid_to": 5, "owner": owner}
            record = {"workspace": "main", "node": node, "owner": owner, "version": 1, "is_deleted": False}
            record |= {"updated_at": 0, "segments": [segment] if contested else [], "conflicts": []}
            key = profile_id(node).encode()
            place = partition_of(key, self._partitions)
            self._producer.produce(self._topic, encode_pointer(record), key, partition=place)
        if aborted:
            self._producer.abort_transaction(PATIENCE_S)
        else:
            self._producer.commit_transaction(PATIENCE_S)


def test_what_is_committed_is_known_soon(settings: KafkaSettings, failures: list[BaseException]) -> None:
    writer, owners = Writer(settings), Owners(NODES_MAX)
    writer.write((1, 100), (2, 200))
    with PointerTail(settings, NODES_MAX, owners, failures.append):
        wait_until(lambda: (owners(1), owners(2)) == (100, 200), PATIENCE_S, "what was there before")
        writer.write((3, 300), aborted=True)
        writer.write((2, 200), contested=True)
        writer.write((1, 101), (4, 400))
        wait_until(
            lambda: (owners(1), owners(2), owners(4)) == (101, None, 400), PATIENCE_S, "what came later"
        )
    assert owners(3) is None


def test_a_start_reads_no_more_than_it_may_remember(
    settings: KafkaSettings, failures: list[BaseException]
) -> None:
    writer, owners, asked = Writer(settings), Owners(10 * NODES_MAX), range(1_000, 1_400)
    writer.write(*((node, 7) for node in asked))
    with PointerTail(settings, NODES_MAX, owners, failures.append):
        wait_until(lambda: len(owners) > NODES_MAX // 2, PATIENCE_S, "the latest pointers")
        writer.write((1, 100))
        wait_until(lambda: owners(1) == 100, PATIENCE_S, "a new pointer")
        assert len(owners) < len(asked) / 2


def test_without_kafka_nothing_is_known_and_nothing_waits(
    settings: KafkaSettings, failures: list[BaseException]
) -> None:
    away = msgspec.structs.replace(settings, bootstrap_servers=f"127.0.0.1:{free_port()}")
    owners = Owners(NODES_MAX)
    began = time.monotonic()
    with PointerTail(away, NODES_MAX, owners, failures.append):
        assert owners(1) is None
    assert time.monotonic() - began < PATIENCE_S
