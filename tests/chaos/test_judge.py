"""The judge sees what a fault could do: a judge that is always content would prove nothing."""

from pathlib import Path

import msgspec
import pytest

from processors.identity.identity import Identity
from processors.resolver.resolve import Resolver
from runtime.environment.settings import ProcessorSettings, hash_key_bytes, load
from runtime.streams.store import NEXT, USER, Mark, Store, encode_next
from schemas.events.pack import PackedEvent, encode_pack
from schemas.identity.identifiers import node_key
from schemas.stream import InputRecord, OutputRecord, Step
from tests.chaos.fleet import HASH_KEY
from tests.chaos.load import MessageId, event
from tests.chaos.log import Log
from tests.chaos.oracle import Told, judge, ledger_wrongs, people_apart, trait_wrongs
from tests.chaos.orders import disobeyed, profile_of, rightly_absent
from tests.chaos.state import Logs, is_done, wrongs

SETTINGS = load(ProcessorSettings, {"STITCHLINE_HASH_KEY": HASH_KEY})
TOLD = Told(frozenset({"r:0.1:0", "r:0.1:1"}), frozenset({"r:0.1:2"}))
RIGHT = [("r:0.1:0", 3, 7, 0), ("r:0.1:1", 3, 7, 1)]


def test_what_is_right_is_found_right():
    assert judge(TOLD, RIGHT).is_right


def test_an_event_that_was_never_answered_may_be_there():
    assert judge(TOLD, [*RIGHT, ("r:0.1:2", 3, 9, 0)]).is_right


def test_an_accepted_event_that_is_not_there_is_lost():
    assert judge(TOLD, RIGHT[:1]).lost == 1


def test_a_row_too_many_is_doubled_whether_or_not_it_was_answered():
    assert judge(TOLD, [*RIGHT, RIGHT[0]]).doubled == 1
    assert judge(TOLD, [*RIGHT, *[("r:0.1:2", 3, 9, 0)] * 3]).doubled == 2


def test_an_event_that_nobody_sent_is_seen():
    assert judge(TOLD, [*RIGHT, ("r:0.1:3", 3, 9, 0)]).others


@pytest.mark.parametrize("place", [(3, 6, 9), (3, 7, 0), (2, 8, 0)], ids=["offset", "index", "partition"])
def test_a_device_whose_events_changed_their_order_or_partition_is_seen(place):
    rows = [("r:0.1:0", 3, 7, 1), ("r:0.1:1", *place)]
    assert judge(TOLD, rows).others == ["events of r:0.1/0 are out of order"]


def test_a_person_in_two_profiles_and_a_profile_of_two_people_are_seen():
    accepted = frozenset({"r:0.1:3", "r:0.1:11", "r:0.2:3"})
    assert people_apart([("r:0.1:3", "a"), ("r:0.1:11", "a"), ("r:0.2:3", "b")], accepted) == []
    assert people_apart([("r:0.1:3", "a"), ("r:0.1:11", "b")], accepted) == ["r:0.1"]
    assert people_apart([("r:0.1:3", "a"), ("r:0.2:3", "a")], accepted) == ["r:0.1", "r:0.2"]


def test_traits_that_were_stored_twice_or_not_are_seen():
    rows = [*RIGHT, ("r:0.1:3", 3, 9, 0)]
    assert trait_wrongs(rows, 1) == []
    assert trait_wrongs(rows, 2) == ["2 rows of traits, not 1"]
    assert trait_wrongs(rows, 0) == ["0 rows of traits, not 1"]


def packed(one: MessageId) -> PackedEvent:
    call = event(one)
    return PackedEvent(
        workspace="main",
        source="dev",
        routing=node_key("main", "a", one.device),
        type=str(call["type"]),
        message_id=one.text(),
        received_at=1_767_225_600_000,
        sent_at="",
        context=b"",
        payload=msgspec.json.encode(call),
        unsigned_links=True,
    )


class World:
    """What a fleet that never met a fault would leave in Kafka and on disk, in one partition."""

    def __init__(self, root: Path) -> None:
        key = hash_key_bytes(SETTINGS)
        self.root = root
        resolver = Resolver(
            hash_key=key, partitions=1, duplicate_window_days=7, duplicate_ids_per_key_max=1_000
        )
        events = [packed(MessageId(f"r:0.{number % 3}", number // 3)) for number in range(48)]
        packs = [encode_pack(events[at : at + 8]) for at in range(0, len(events), 8)]
        self.raw = _log(packs)
        self.resolve, outputs = self._agent("resolve", resolver, self.raw)
        self.resolved = _log([record.value for record in outputs if record.topic == "events.resolved"])
        self.facts = _log([record.value for record in outputs if record.topic == "identity.facts"])
        self.identity, _ = self._agent("identity", Identity(hash_key=key, partitions=1), self.facts)

    def _agent(self, name: str, step: Step, log: Log) -> tuple[Log, list[OutputRecord]]:
        state: dict[bytes, bytes] = {}
        outputs = []
        for record in log.records:
            outputs += step(0, [record], state)
        found = [(USER + key, value) for key, value in state.items()] + [(NEXT, encode_next(log.end))]
        store = Store(self.root / "g1" / name / "0", "identity")
        store.write(found, Mark(len(found), 0))
        store.close()
        return _log_of(found), outputs

    def wrongs(self) -> list[str]:
        logs = Logs(
            [self.raw],
            [self.facts],
            [self.resolved],
            {"resolve": [self.resolve], "identity": [self.identity]},
        )
        assert logs.unsettled() == 0
        assert is_done(logs)
        return wrongs(logs, SETTINGS, [self.root])


def _log(values: list[bytes]) -> Log:
    return _log_of([(b"", value) for value in values])


def _log_of(records: list[tuple[bytes, bytes]]) -> Log:
    found = [InputRecord(offset, 0, key, value) for offset, (key, value) in enumerate(records)]
    return Log(found, len(found), len(found))


def without(log: Log, at: int) -> Log:
    return msgspec.structs.replace(log, records=[*log.records[:at], *log.records[at + 1 :]])


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_world_without_faults_is_right(world):
    assert len(world.resolved.records) == 48
    assert world.facts.records
    assert world.wrongs() == []


def test_state_that_a_zombie_wrote_is_seen(world):
    stale = msgspec.structs.replace(world.resolve.records[0], offset=world.resolve.end, value=b"stale")
    world.resolve = msgspec.structs.replace(world.resolve, records=[*world.resolve.records, stale])
    assert "resolve[0]: 1 of" in world.wrongs()[0]


def test_a_state_record_that_is_missing_is_seen(world):
    world.identity = without(world.identity, 0)
    assert any("identity[0]: 1 of" in wrong for wrong in world.wrongs())


def test_a_folder_that_is_not_its_changelogs_fold_is_seen(world):
    store = Store(world.root / "g1" / "resolve" / "0", "identity")
    store.write([(USER + b"dirty", b"1")], store.mark)
    store.close()
    assert [wrong for wrong in world.wrongs() if "is not its changelog's fold" in wrong]


def test_a_folder_may_have_what_compaction_took_from_its_changelog_and_no_other_value(world):
    first = world.resolve.records[0]
    again = msgspec.structs.replace(first, offset=world.resolve.end)
    position = msgspec.structs.replace(
        first, offset=world.resolve.end + 1, key=NEXT, value=encode_next(world.raw.end)
    )
    world.resolve = without(world.resolve, 0)  # compacted: the key was written again
    world.resolve = msgspec.structs.replace(world.resolve, records=[*world.resolve.records, again, position])
    left_behind = "resolve[0]: no folder is at the changelog's end"
    assert world.wrongs() == [left_behind]

    store = Store(world.root / "g1" / "resolve" / "0", "identity")
    store.write([(world.resolve.records[0].key, b"another")], store.mark)
    store.close()
    other_value, *rest = world.wrongs()
    assert "is not its changelog's fold" in other_value
    assert rest == [left_behind]


def test_a_folder_that_was_left_behind_is_seen(world):
    world.resolve = Log(
        [*world.resolve.records, InputRecord(world.resolve.end, 0, NEXT, encode_next(world.raw.end))], 0, 0
    )
    world.resolve = msgspec.structs.replace(world.resolve, stable_end=1, end=1)
    assert world.wrongs() == ["resolve[0]: no folder is at the changelog's end"]


def test_outputs_that_are_doubled_missing_or_moved_are_seen(world):
    right = world.resolved
    world.resolved = msgspec.structs.replace(right, records=[*right.records, right.records[0]])
    assert "1 records too many on events.resolved" in world.wrongs()
    world.resolved = without(right, 5)
    assert world.wrongs() == ["1 events are missing on events.resolved"]
    world.resolved = msgspec.structs.replace(right, records=[*right.records[1:], right.records[0]])
    assert world.wrongs() == ["events.resolved[0] is out of order"]


def test_facts_that_are_missing_are_seen(world):
    world.facts = without(world.facts, 0)
    assert any("facts missing, 0 too many" in wrong for wrong in world.wrongs())


def test_a_ledger_that_does_not_balance_is_seen(world):
    logs = Logs([world.raw], [world.facts], [world.resolved], {})
    sums = {"accepted": 48, "resolved": 47, "duplicate": 1}
    assert ledger_wrongs(sums, 0, logs, 47) == []
    assert ledger_wrongs(sums, 0, logs, 48) == [
        "ledger says 47 resolved, not 48",
        "ledger says 1 duplicate, not 0",
    ]
    assert ledger_wrongs(sums, 2, logs, 47) == ["2 dead letters"]


def test_forgotten_people_balance_and_others_that_are_not_stored_are_seen(world):
    gone = [packed(MessageId("r:0.8", number)) for number in range(3)]
    raw = _log([encode_pack(gone)])
    sums = {"accepted": 3, "resolved": 1, "forgotten": 2}
    assert ledger_wrongs(sums, 0, Logs([raw], [], [], {}), 1) == []
    others = Logs([world.raw], [world.facts], [world.resolved], {})
    assert "ledger says 2 forgotten, not 0" in ledger_wrongs({"accepted": 48, "forgotten": 2}, 0, others, 46)


def test_events_that_are_not_where_orders_left_them_are_seen():
    """Of an unlinked second device, of a forgotten person, and of a first device, which keeps its person."""
    key = bytes.fromhex(HASH_KEY)
    ids = [MessageId("r:0.7", 3), MessageId("r:0.7", 4), MessageId("r:0.7", 12), MessageId("r:0.8", 4)]
    texts = [one.text() for one in ids]
    right = [(one.text(), profile_of(one, key)) for one in ids]
    assert len({profile for _, profile in right}) == 3
    assert disobeyed(right, texts, key) == []
    moved = [(text, "0" * 16) for text in texts]
    assert disobeyed(moved, texts, key) == texts
    assert rightly_absent(texts) == {"r:0.8:4"}
