"""A reader of the control topic: what it knows while Kafka is away, what it forgets, and what never ends it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Producer

from runtime.control import ControlReader, read_control, write_control
from runtime.environment.settings import KafkaSettings
from runtime.kafka import KafkaUnavailable, client_config
from schemas.configuration.configuration_file import parse_file
from schemas.control import ControlState
from schemas.topics import CONTROL
from tests.runtime.topic_log import eventually

AWAY = KafkaSettings(bootstrap_servers="127.0.0.1:1")


def documents(*sources: str) -> dict[str, bytes]:
    return parse_file({"sources": [{"id": source, "write_keys": [f"key-of-{source}"]} for source in sources]})


def snapshot_of(path: Path, content: dict[str, bytes]) -> Path:
    path.write_bytes(msgspec.msgpack.encode(content))
    return path


def names(state: ControlState) -> list[str]:
    return [source.id for source in state.sources]


@contextmanager
def reading(settings: KafkaSettings, snapshot: Path | None = None) -> Iterator[ControlReader]:
    reader = ControlReader(settings, snapshot)
    reader.start()
    try:
        assert reader.wait_current(30)
        yield reader
    finally:
        reader.stop()


def test_a_source_that_only_the_snapshot_has_is_gone_once_the_topic_is_read(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    write_control(settings, dict(documents("shop")), "first")
    snapshot = snapshot_of(tmp_path / "control", documents("shop", "deleted-meanwhile"))
    assert names(ControlReader(AWAY, snapshot).state) == ["deleted-meanwhile", "shop"]
    with reading(settings, snapshot) as reader:
        assert names(reader.state) == ["shop"]
    assert names(ControlReader(AWAY, snapshot).state) == ["shop"]
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_later_records_and_deletions_are_taken_over_and_kept(settings: KafkaSettings, tmp_path: Path) -> None:
    write_control(settings, dict(documents("shop", "blog")), "first")
    with reading(settings, tmp_path / "control") as reader:
        write_control(settings, {"source/shop": None, **documents("app")}, "second")
        eventually(lambda: names(reader.state) == ["app", "blog"])
    assert names(ControlReader(AWAY, tmp_path / "control").state) == ["app", "blog"]


def test_records_that_cannot_be_read_are_passed_over(settings: KafkaSettings) -> None:
    write_control(settings, dict(documents("shop")), "first")
    producer = Producer(client_config(settings))
    for key in (b"source/\xff", b"source/broken"):
        producer.produce(CONTROL.full_name(settings.topic_prefix), b"{", key, partition=0)
    assert producer.flush(30) == 0
    write_control(settings, dict(documents("blog")), "second")
    with reading(settings) as reader:
        assert names(reader.state) == ["blog", "shop"]
        assert (reader.is_current, reader.problem) == (True, "")


@pytest.mark.parametrize("content", [b"torn", msgspec.msgpack.encode({"source/shop": b"{"})])
def test_an_unreadable_snapshot_keeps_nobody_from_starting(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "control").write_bytes(content)
    assert names(ControlReader(AWAY, tmp_path / "control").state) == []


def test_a_snapshot_that_cannot_be_written_ends_nothing(settings: KafkaSettings, tmp_path: Path) -> None:
    with reading(settings, tmp_path / "no such folder" / "control") as reader:
        write_control(settings, dict(documents("shop")), "first")
        eventually(lambda: names(reader.state) == ["shop"])
        assert reader.is_current


def test_another_process_in_the_middle_of_its_snapshot_disturbs_nobody(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    theirs = tmp_path / f"control.{os.getpid() + 1}.partial"
    theirs.write_bytes(b"half")
    with reading(settings, tmp_path / "control"):
        assert theirs.read_bytes() == b"half"


class Unforeseen(ControlReader):
    """A reader with a bug."""

    def _tail(self) -> None:
        self._current.set()
        raise RuntimeError("nobody thought of it")


def test_a_reader_that_ended_says_so_and_is_not_current() -> None:
    reader = Unforeseen(AWAY)
    reader.start()
    eventually(lambda: reader.problem)
    assert "nobody thought of it" in reader.problem
    assert not reader.is_current
    reader.stop()


def test_the_current_state_is_not_guessed_when_kafka_is_away() -> None:
    with pytest.raises(KafkaUnavailable, match="cannot be read to its end"):
        read_control(AWAY, 0.5)
