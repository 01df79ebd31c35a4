"""One Part on a real broker: what a chunk leaves behind, and what every kind of interruption does not."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from runtime.environment.settings import KafkaSettings
from runtime.streams import transaction
from runtime.streams.chunk import Chunk, Gap
from runtime.streams.part import PartOpener, PartSpec
from runtime.streams.store import USER, Mark, Store
from runtime.streams.transaction import FENCED, PartLost, RecordRefused
from schemas.stream import InputRecord, OutputRecord, State
from schemas.topics import EVENTS_RAW, EVENTS_RESOLVED, TOPICS
from tests.runtime.topic_log import read_topic, write_topic
from tests.runtime.toy_part import OUT, chunk, closed_after, count, opened, outputs, reopened, state_of

MakeSpec = Callable[..., PartSpec]
HOUR_MS = 3_600_000
TWO_CHUNKS = (chunk(0, b"a", b"b", b"a"), chunk(3, b"a", b"-b", b"c"))
AFTER_TWO = (6, {b"a": b"3", b"c": b"1"})


def test_outputs_state_and_position_move_together(
    settings: KafkaSettings, spec: MakeSpec, opener: PartOpener
) -> None:
    closed_after(spec(), opener, *TWO_CHUNKS)
    assert outputs(settings) == [(b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"a", b"3"), (b"c", b"1")]
    changelog = [(r.key, r.value) for r in read_topic(settings, "g1-resolve-changelog")]
    assert changelog[-4:-1] == [(b"\x01a", b"3"), (b"\x01b", None), (b"\x01c", b"1")]
    assert changelog[-1] == (b"\x00next", (6).to_bytes(8, "big"))
    assert reopened(spec(), opener) == AFTER_TWO


def test_a_part_without_its_folder_is_rebuilt_from_the_changelog(spec: MakeSpec, opener: PartOpener) -> None:
    closed_after(spec(), opener, *TWO_CHUNKS)
    shutil.rmtree(spec().folder)
    assert reopened(spec(), opener) == AFTER_TWO
    assert reopened(spec(folder="elsewhere"), opener) == AFTER_TWO


@pytest.mark.parametrize("torn", ["CURRENT", "MANIFEST-*", "*.log"])
def test_a_torn_folder_is_rebuilt(torn: str, spec: MakeSpec, opener: PartOpener) -> None:
    closed_after(spec(), opener, *TWO_CHUNKS)
    for path in spec().folder.glob(torn):
        path.write_bytes(b"torn")
    assert reopened(spec(), opener) == AFTER_TWO


def test_another_partitions_folder_is_rebuilt(spec: MakeSpec, opener: PartOpener) -> None:
    closed_after(spec(0), opener, *TWO_CHUNKS)
    closed_after(spec(1), opener, chunk(0, b"z"))
    shutil.rmtree(spec(1).folder)
    shutil.copytree(spec(0).folder, spec(1).folder)
    assert reopened(spec(1), opener) == (1, {b"z": b"1"})


def test_a_client_that_cannot_queue_more_waits_and_sends_all_in_order(
    settings: KafkaSettings, spec: MakeSpec, opener: PartOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "QUEUED_RECORDS_MAX", 3)
    values = [b"%d" % number for number in range(10)]
    closed_after(spec(), opener, chunk(0, *values))
    assert outputs(settings) == [(value, b"1") for value in values]
    assert reopened(spec(), opener) == (10, dict.fromkeys(values, b"1"))


def test_a_record_that_kafka_never_takes_is_told_with_its_topic(spec: MakeSpec, opener: PartOpener) -> None:
    def too_large(partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
        return [OutputRecord(OUT, partition, b"key", bytes(64 << 20))]

    part = opened(spec(), opener, too_large)
    with pytest.raises(RecordRefused, match=OUT):
        part.process(chunk(0, b"a"))
    part.close()
    assert reopened(spec(), opener) == (0, {})


def planted(folder: Path, identity: str, mark: Mark) -> None:
    """A key that the changelog does not have: it is gone when the folder has been built again."""
    store = Store(folder, identity)
    store.write([(USER + b"planted", b"1")], mark)
    store.close()


def test_a_folder_ahead_of_its_changelog_is_rebuilt(spec: MakeSpec, opener: PartOpener) -> None:
    closed_after(spec(), opener, *TWO_CHUNKS)
    identity = f"{opener.lookup.topic_identity(spec().changelog_name)}/0"
    planted(spec().folder, identity, Mark(1_000, opener.now_ms()))
    assert reopened(spec(), opener) == AFTER_TWO


@pytest.mark.parametrize(("age_ms", "is_kept"), [(HOUR_MS, True), (13 * HOUR_MS, False)])
def test_a_folder_older_than_tombstones_live_is_rebuilt(
    age_ms: int, is_kept: bool, spec: MakeSpec, opener: PartOpener
) -> None:
    closed_after(spec(), opener, *TWO_CHUNKS)
    identity = f"{opener.lookup.topic_identity(spec().changelog_name)}/0"
    planted(spec().folder, identity, Mark(1, opener.now_ms() - age_ms))
    position, state = reopened(spec(), opener)
    assert (position, b"planted" in state) == (6, is_kept)


def test_a_second_opener_fences_the_first(
    settings: KafkaSettings, spec: MakeSpec, opener: PartOpener
) -> None:
    first = opened(spec(), opener)
    first.process(chunk(0, b"a"))
    second = opened(spec(folder="second"), opener)
    with pytest.raises(PartLost) as lost:
        first.process(chunk(1, b"stale"))
    assert lost.value.cause == FENCED
    assert state_of(first) == {b"a": b"1"}
    first.close()
    second.process(chunk(1, b"a"))
    second.close()
    assert outputs(settings) == [(b"a", b"1"), (b"a", b"2")]
    assert reopened(spec(), opener) == (2, {b"a": b"2"})


def test_a_fenced_owner_that_opens_again_goes_on_where_the_other_stood(
    settings: KafkaSettings, spec: MakeSpec, opener: PartOpener
) -> None:
    first = opened(spec(), opener)
    first.process(chunk(0, b"a", b"b"))
    second = opened(spec(folder="second"), opener)
    second.process(chunk(2, b"a", b"-b", b"c"))
    with pytest.raises(PartLost):
        first.process(chunk(2, b"stale"))
    first.close()
    again = opened(spec(), opener)
    assert (again.next, state_of(again)) == (5, {b"a": b"2", b"c": b"1"})
    with pytest.raises(PartLost) as lost:  # which was the live owner until then
        second.process(chunk(5, b"stale"))
    assert lost.value.cause == FENCED
    second.close()
    again.process(chunk(5, b"a", b"b"))
    again.close()
    assert outputs(settings) == [
        (b"a", b"1"),
        (b"b", b"1"),
        (b"a", b"2"),
        (b"c", b"1"),
        (b"a", b"3"),
        (b"b", b"1"),
    ]
    assert reopened(spec(folder="second"), opener) == (7, {b"a": b"3", b"b": b"1", b"c": b"1"})


def test_a_transaction_that_cannot_be_committed_leaves_nothing(
    settings: KafkaSettings, spec: MakeSpec, opener: PartOpener
) -> None:
    too_many = (*TOPICS, msgspec.structs.replace(EVENTS_RESOLVED, name="ledger", partitions=99))

    def misled(partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
        return [*count(partition, records, state), OutputRecord("ledger", 98, b"k", b"v")]

    part = opened(msgspec.structs.replace(spec(), outputs=too_many), opener, misled)
    with pytest.raises(PartLost):
        part.process(chunk(0, b"a"))
    with pytest.raises(PartLost):
        part.process(chunk(0, b"a"))
    part.close()
    assert outputs(settings) == []
    assert reopened(spec(), opener) == (0, {})


def test_an_exception_of_the_step_leaves_nothing_and_ends_the_part(
    settings: KafkaSettings, spec: MakeSpec, opener: PartOpener
) -> None:
    part = opened(spec(), opener)
    with pytest.raises(KeyError):
        part.process(chunk(0, b"a", b"-not there"))
    with pytest.raises(PartLost):
        part.process(chunk(0, b"a"))
    part.close()
    assert outputs(settings) == []
    assert reopened(spec(), opener) == (0, {})


def test_an_output_to_nowhere_is_a_bug_of_the_step(spec: MakeSpec, opener: PartOpener) -> None:
    part = opened(spec(), opener, lambda *_: [OutputRecord(OUT, 4, b"k", b"v")])
    with pytest.raises(ValueError, match="does not exist"):
        part.process(chunk(0, b"a"))
    part.close()


@pytest.mark.parametrize("start", [0, 4])
def test_a_chunk_that_is_not_the_next_is_refused_and_changes_nothing(
    start: int, spec: MakeSpec, opener: PartOpener
) -> None:
    part = opened(spec(), opener)
    part.process(chunk(0, b"a", b"b", b"a"))
    with pytest.raises(Gap):
        part.process(chunk(start, b"a"))
    part.process(chunk(3, b"a", b"-b", b"c"))
    assert (part.next, state_of(part)) == AFTER_TWO
    part.close()


def test_positions_chain_over_offsets_that_hold_no_record(spec: MakeSpec, opener: PartOpener) -> None:
    part = opened(spec(), opener)
    part.process(Chunk(0, 7, [InputRecord(2, 0, None, b"a"), InputRecord(5, 0, None, b"a")]))
    part.process(Chunk(7, 9, [InputRecord(7, 0, None, b"a")]))
    part.close()
    assert reopened(spec(), opener) == (9, {b"a": b"3"})


def test_progress_that_changes_nothing_else_is_recorded_when_asked(
    spec: MakeSpec, opener: PartOpener
) -> None:
    part = opened(spec(), opener)
    part.process(chunk(0, b"=", b"="))
    assert (part.next, part.is_behind) == (2, True)
    part.record_progress()
    assert not part.is_behind
    part.close()
    assert reopened(spec(), opener) == (2, {})


def write_odd_keys(partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
    for key in (b"", b"\x00next", b"\x00mark", b"\xff\xff"):
        state[key] = b""
    return []


def test_no_key_of_a_step_collides_with_ours_and_empty_values_are_values(
    spec: MakeSpec, opener: PartOpener
) -> None:
    part = opened(spec(), opener, write_odd_keys)
    part.process(chunk(0, b"x"))
    part.close()
    expected = {b"": b"", b"\x00mark": b"", b"\x00next": b"", b"\xff\xff": b""}
    assert reopened(spec(), opener) == (1, expected)
    assert reopened(spec(folder="elsewhere"), opener) == (1, expected)


def test_a_new_part_begins_where_the_input_begins(
    settings: KafkaSettings, spec: MakeSpec, opener: PartOpener
) -> None:
    write_topic(settings, EVENTS_RAW.name, [(0, b"a")] * 5)
    admin = AdminClient({"bootstrap.servers": settings.bootstrap_servers})
    [deleted] = admin.delete_records([TopicPartition(spec().input_name, 0, 3)]).values()
    deleted.result()
    assert reopened(spec(), opener) == (3, {})
