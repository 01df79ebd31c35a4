"""What a group says of its own machinery, whoever runs it, on a real broker."""

import asyncio
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

import pytest

from runtime.environment.settings import KafkaSettings, ProcessorSettings, load
from runtime.streams.faust_group import FaustGroup
from runtime.streams.group import TP, Group, Parcel, Reader
from runtime.streams.plain_group import PlainGroup
from schemas.topics import CONTROL, EVENTS_RAW

PATIENCE_S = 60


Kind = Callable[[str, KafkaSettings, ProcessorSettings], Group]


class Listener:
    """A member that asks for its reader when it is given partitions, as a worker does, and does nothing with it."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self.reader: Reader | None = None
        self.given: AbstractSet[TP] | None = None

    async def revoked(self) -> None: ...

    async def assigned(self, partitions: AbstractSet[TP]) -> None:
        self.given = partitions
        if partitions:
            self.reader = self._group.reader

    def accept(self, tp: TP, parcel: Parcel) -> None: ...

    def positions(self) -> Mapping[TP, int]:
        return {}


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.05)


async def live(group: Group, topic: str) -> None:
    member = Listener(group)
    group.join(member, {"resolve": topic})
    assert group.vitals().unsettled == "it has not been joined yet"
    running = asyncio.create_task(group.run())
    await until(lambda: member.reader is not None and not group.vitals().unsettled)
    vitals = group.vitals()
    assert vitals.threads or vitals.loops
    for loop in vitals.loops.values():
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop))
    await until(lambda: all(group.vitals().threads[name] > beats for name, beats in vitals.threads.items()))
    running.cancel()
    await group.leave()


async def joined(group: Group, member: Listener, topic: str) -> asyncio.Task[None]:
    group.join(member, {"resolve": topic})
    running = asyncio.create_task(group.run())
    await until(lambda: member.given is not None)
    return running


async def spare(groups: list[Group], topic: str) -> None:
    """The topic has one partition, and the first member keeps it: partitions are given by name."""
    members = [Listener(group) for group in groups]
    running = []
    for group, member in zip(groups, members, strict=True):
        running.append(await joined(group, member, topic))
    await until(lambda: not groups[1].vitals().unsettled)
    assert members[1].given == set()
    for task, group in zip(running, groups, strict=True):
        task.cancel()
        await group.leave()


@pytest.mark.parametrize("kind", [FaustGroup, PlainGroup])
def test_a_member_that_never_had_a_partition_is_at_rest_too(
    kind: Kind, environ: Mapping[str, str], settings: KafkaSettings
) -> None:
    named = [load(ProcessorSettings, {**environ, "PROCESSOR_INSTANCE_ID": name}) for name in "ab"]
    groups = [kind("spare", settings, each) for each in named]
    asyncio.run(spare(groups, CONTROL.full_name(settings.topic_prefix)))


@pytest.mark.parametrize("kind", [FaustGroup, PlainGroup])
def test_a_group_says_when_it_is_at_rest(
    kind: Kind, environ: Mapping[str, str], settings: KafkaSettings
) -> None:
    group = kind("vitals", settings, load(ProcessorSettings, environ))
    asyncio.run(live(group, EVENTS_RAW.full_name(settings.topic_prefix)))
