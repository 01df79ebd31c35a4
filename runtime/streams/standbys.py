"""Standbys: warm copies of partitions that other workers own, so that taking one over is catching up and not recovering.

Every few seconds a worker asks the group who has what, works out which copies are its own to keep (standby_plan.py), and has
a thread follow their changelogs into the very folders that it would open the partitions from (followers.py). Before a Part is
opened its folder is let go. Deliberately absent: any word between workers, anything written to Kafka.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

import msgspec
import structlog
from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from runtime.environment.settings import KafkaSettings
from runtime.kafka import client_config
from runtime.streams.followers import Followers
from runtime.streams.group import TP
from runtime.streams.part import PartSpec
from runtime.streams.standby_plan import wanted

log = structlog.get_logger()

LOOK_INTERVAL_S = 5.0
TIMEOUT_S = 10.0


class Membership(msgspec.Struct, frozen=True):
    """The group's name in Kafka, our client id there, and how many copies its members keep."""

    group: str
    client_id: str
    copies: int


class Copies(msgspec.Struct, frozen=True):
    """What may be kept: the Parts of one input topic, in the order of their partitions."""

    topic: str
    parts: Sequence[PartSpec]


class NoStandbys:
    """Where none are wanted."""

    def start(self, all_copies: Sequence[Copies], owned: Callable[[], AbstractSet[TP]]) -> None: ...

    def release(self, spec: PartSpec) -> None: ...

    async def stop(self) -> None: ...


class Standbys:
    """`fail` is called with an exception that nobody may survive."""

    def __init__(
        self,
        kafka: KafkaSettings,
        membership: Membership,
        followers: Followers,
        fail: Callable[[BaseException], None],
    ) -> None:
        self._membership = membership
        self._followers = followers
        self._fail = fail
        self._admin = AdminClient(client_config(kafka))
        self._looking: asyncio.Task[None] | None = None

    def start(self, all_copies: Sequence[Copies], owned: Callable[[], AbstractSet[TP]]) -> None:
        """`owned`: the partitions that this worker works on, or is about to open."""
        self._followers.start()
        self._looking = asyncio.create_task(self._look(all_copies, owned))
        self._looking.add_done_callback(self._ended)

    def release(self, spec: PartSpec) -> None:
        """Let a folder go: its Part is about to be opened. Called in any thread; waits."""
        self._followers.release(spec)

    async def stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.to_thread(self._followers.stop)

    def _ended(self, looking: asyncio.Task[None]) -> None:
        if not looking.cancelled() and (error := looking.exception()) is not None:
            self._fail(error)

    async def _look(self, all_copies: Sequence[Copies], owned: Callable[[], AbstractSet[TP]]) -> None:
        while True:
            await asyncio.sleep(LOOK_INTERVAL_S)
            owners = await asyncio.to_thread(self._owners, all_copies[0].topic)
            if owners is not None and self._membership.client_id in owners:
                self._followers.want(self._wanted(owners, all_copies, owned()))

    def _wanted(
        self, owners: Mapping[str, AbstractSet[TP]], all_copies: Sequence[Copies], owned: AbstractSet[TP]
    ) -> frozenset[PartSpec]:
        us, found = self._membership, set()
        for copies in all_copies:
            of_topic = {
                member: {tp.partition for tp in theirs if tp.topic == copies.topic}
                for member, theirs in owners.items()
            }
            mine = wanted(us.client_id, of_topic, len(copies.parts), us.copies)
            found |= {copies.parts[n] for n in mine if TP(copies.topic, n) not in owned}
        return frozenset(found)

    def _owners(self, topic: str) -> dict[str, set[TP]] | None:
        """Each member's partitions; None while that is about to change, or Kafka does not say."""
        name = self._membership.group
        try:
            # A plain question first: a broker that is frozen is not asked the other one. The client was seen to abort the process
            # when late answers came to many of those, each given up long before.
            self._admin.list_topics(topic, timeout=TIMEOUT_S)
            group = self._admin.describe_consumer_groups([name], request_timeout=TIMEOUT_S)[name].result()
        except KafkaException as error:
            log.info("standbys stay as they are", cause=error.args[0].str())
            return None
        if group.state != ConsumerGroupState.STABLE:
            return None
        owners: dict[str, set[TP]] = {}
        for member in group.members:
            assigned = member.assignment.topic_partitions if member.assignment else []
            owners.setdefault(member.client_id, set()).update(
                TP(found.topic, found.partition) for found in assigned
            )
        return owners
