"""What a group says of its own machinery, whoever runs it, on a real broker."""

import asyncio
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

import pytest

from runtime.faust_group import FaustGroup
from runtime.group import TP, Group, Parcel, Reader
from runtime.plain_group import PlainGroup
from runtime.settings import KafkaSettings, ProcessorSettings, load
from schemas.topics import EVENTS_RAW

PATIENCE_S = 60


class Listener:
    """A member that has a reader made, as a worker has, and does nothing with it."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self.reader: Reader | None = None

    async def revoked(self) -> None: ...

    async def assigned(self, partitions: AbstractSet[TP]) -> None:
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


@pytest.mark.parametrize("kind", [FaustGroup, PlainGroup])
def test_a_group_says_when_it_is_at_rest(
    kind: Callable[[str, KafkaSettings, ProcessorSettings], Group],
    environ: Mapping[str, str],
    settings: KafkaSettings,
) -> None:
    group = kind("vitals", settings, load(ProcessorSettings, environ))
    asyncio.run(live(group, EVENTS_RAW.full_name(settings.topic_prefix)))
