"""The partitions that are ours, each with its lane, and whose turn it is. What the consumer's rebalances change."""

from collections.abc import Callable, Mapping

from runtime.watch.judgement import Phase, Sight
from sinks.storing.batch import Limits, Source
from sinks.storing.consumer import Polled
from sinks.storing.intent import Intent
from sinks.storing.lane import Lane


class Lanes:
    """The partitions that are ours; the consumer tells when that changes. `is_assigned` may be read by other threads."""

    def __init__(self, topic: str, schema_ids: frozenset[int], limits: Limits) -> None:
        self._topic = topic
        self._schema_ids = schema_ids
        self._limits = limits
        self.by_partition: dict[int, Lane] = {}
        self.is_assigned = False
        self.before_loss: Callable[[list[int]], None] | None = None  # called while they are still ours

    @property
    def bytes_held(self) -> int:
        return sum(lane.bytes_held for lane in self.by_partition.values())

    def assigned(self, intents: Mapping[int, Intent | None]) -> None:
        self.is_assigned = True  # of no partition too: the group has answered
        for partition, intent in intents.items():
            source = Source(self._topic, partition, self._schema_ids)
            self.by_partition[partition] = Lane(source, self._limits, intent)

    def began(self, starts: Mapping[int, int]) -> None:
        for partition, offset in starts.items():
            self.by_partition[partition].began(offset)

    def sights(self, reader: str, phase: Phase) -> list[Sight]:
        """Every partition as it looks now; for any thread."""
        return [self._sight(reader, phase, number, lane) for number, lane in list(self.by_partition.items())]

    def _sight(self, reader: str, phase: Phase, partition: int, lane: Lane) -> Sight:
        position, oldest = lane.position, lane.oldest
        return Sight(
            reader=reader,
            topic=self._topic,
            partition=partition,
            phase=phase,
            position=position,
            beats=0,
            oldest_ms=None if oldest is None else oldest.timestamp,
        )

    def revoked(self, partitions: list[int]) -> None:
        if self.before_loss is not None:
            self.before_loss(partitions)
        for partition in partitions:
            self.by_partition.pop(partition, None)

    def add(self, polled: Polled) -> None:
        for partition, records in polled.records.items():
            self.by_partition[partition].add(records)
        for partition, end in polled.ends.items():
            self.by_partition[partition].reached(end)

    def in_turn(self) -> list[tuple[int, Lane]]:
        """Those whose turn was longest ago first."""
        return list(self.by_partition.items())

    def had_its_turn(self, partition: int) -> None:
        self.by_partition[partition] = self.by_partition.pop(partition)
