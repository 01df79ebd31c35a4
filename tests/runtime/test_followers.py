"""Warm copies beside a live Part on a real broker: what they hold, what they never hold, and that they let go."""

from collections.abc import Callable, Iterator

import pytest
from prometheus_client import REGISTRY

from runtime.environment.settings import KafkaSettings
from runtime.streams.followers import Followers
from runtime.streams.part import PartOpener, PartSpec
from runtime.streams.store import Store
from tests.runtime.topic_log import eventually
from tests.runtime.toy_part import chunk, count, opened, reopened, state_of

MakeSpec = Callable[..., PartSpec]
TALLIES = "stitchline_recovered_records_total"


@pytest.fixture
def followers(settings: KafkaSettings, opener: PartOpener) -> Iterator[Followers]:
    failures: list[BaseException] = []
    found = Followers(settings, opener.lookup, opener.now_ms, failures.append)
    found.start()
    yield found
    found.stop()
    assert failures == []


def metric(name: str) -> float:
    return REGISTRY.get_sample_value(name, {"agent": "resolve"}) or 0.0


def wait_warm(copies: int = 1) -> None:
    eventually(lambda: metric("stitchline_standby_partitions") == copies)


def wait_position(followers: Followers, copy: PartSpec, opener: PartOpener, position: int) -> None:
    """Let go and followed again until the folder has got so far."""

    def has_it() -> bool:
        followers.release(copy)
        identity = opener.lookup.topic_identity(copy.changelog_name)
        store = Store(copy.folder, f"{identity}/{copy.partition}")
        found = store.next
        store.close()
        followers.want(frozenset({copy}))
        return found == position

    eventually(has_it)


def test_a_copy_follows_what_is_committed_and_its_part_has_nothing_to_recover(
    followers: Followers, spec: MakeSpec, opener: PartOpener
) -> None:
    owner, copy = opened(spec(folder="owner"), opener), spec(folder="copy")
    owner.process(chunk(0, b"a", b"b", b"a"))
    followers.want(frozenset({copy}))
    wait_warm()
    owner.process(chunk(3, b"a", b"-b", b"c"))
    wait_position(followers, copy, opener, 6)
    owner.close()
    followers.release(copy)
    before = metric(TALLIES)
    part = opened(copy, opener)
    assert (part.next, state_of(part)) == (6, {b"a": b"3", b"c": b"1"})
    assert metric(TALLIES) == before
    part.close()


def test_a_copy_never_has_what_is_not_committed(
    followers: Followers, spec: MakeSpec, opener: PartOpener
) -> None:
    owner, copy = opened(spec(folder="owner"), opener), spec(folder="copy")
    owner.process(chunk(0, b"a"))
    transactions = owner._transactions
    transactions._producer.begin_transaction()
    transactions._producer.produce(copy.changelog_name, key=b"\x01a", value=b"9", partition=0)
    transactions._producer.flush(30)
    followers.want(frozenset({copy}))
    next_owner = opened(spec(folder="next"), opener)  # which ends that transaction
    next_owner.process(chunk(1, b"b"))
    wait_position(followers, copy, opener, 2)
    next_owner.close()
    owner.close()
    followers.release(copy)
    assert reopened(copy, opener) == (2, {b"a": b"1", b"b": b"1"})


def test_a_folder_in_use_is_left_to_its_part_and_followed_later(
    followers: Followers, spec: MakeSpec, opener: PartOpener
) -> None:
    part = opened(spec(), opener, count)
    part.process(chunk(0, b"a"))
    followers.want(frozenset({spec()}))
    followers.release(spec())  # it has heard both, and had no folder to let go
    part.process(chunk(1, b"a"))
    part.close()
    followers.want(frozenset({spec()}))
    wait_warm()
    followers.want(frozenset())
    wait_warm(0)
    assert reopened(spec(), opener) == (2, {b"a": b"2"})
