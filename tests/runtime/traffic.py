"""What toy workers are given to do, and what must have come of it: outputs, facts and state, each exactly."""

from collections import Counter

from runtime.environment.settings import KafkaSettings
from schemas.topics import EVENTS_RAW, EVENTS_RESOLVED, IDENTITY_FACTS
from tests.runtime.topic_log import eventually, read_topic, write_topic
from tests.runtime.toy_worker import FORGOTTEN, HOPS

KEYS = 23
BATCH = 600


class Traffic:
    """What was written to events.raw, and what must have come of it."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.settings = settings
        self.written: list[tuple[int, bytes]] = []

    def write(self, count: int = BATCH) -> None:
        start = len(self.written)
        new = [self._event(index) for index in range(start, start + count)]
        write_topic(self.settings, EVENTS_RAW.name, new)
        self.written += new

    def _event(self, index: int) -> tuple[int, bytes]:
        partition = index % self.settings.partitions
        if index % 11 == 0:
            return partition, b"%s%d" % (FORGOTTEN, index % 3)
        return partition, b"k%d" % (index % KEYS)

    def is_done(self) -> bool:
        facts = len(read_topic(self.settings, IDENTITY_FACTS.name))
        return facts >= len(self.written) * (HOPS + 1) and self.resolved() >= len(self.written)

    def is_half_done(self) -> bool:
        return self.resolved() > len(self.written) - BATCH // 2

    def resolved(self) -> int:
        return len(read_topic(self.settings, EVENTS_RESOLVED.name))

    def expected_outputs(self) -> list[tuple[int, bytes]]:
        """(partition, value) in order: every record numbered per partition and key; forgotten keys begin anew."""
        offsets: Counter[int] = Counter()
        numbers: Counter[tuple[int, bytes]] = Counter()
        outputs = []
        for partition, key in self.written:
            number = numbers[partition, key] = numbers[partition, key] + 1
            if key.startswith(FORGOTTEN):
                del numbers[partition, key]
            outputs.append((partition, b"%s %d %d" % (key, number, offsets[partition])))
            offsets[partition] += 1
        return sorted(outputs, key=lambda output: output[0])

    def check(self) -> None:
        eventually(self.is_done, 60)
        outputs = read_topic(self.settings, EVENTS_RESOLVED.name)
        assert [(record.partition, record.value) for record in outputs] == self.expected_outputs()
        facts = Counter(
            (record.partition, record.value) for record in read_topic(self.settings, IDENTITY_FACTS.name)
        )
        assert set(facts.values()) == {1}
        assert len(facts) == len(self.written) * (HOPS + 1)
        self._check_state(len(facts))

    def _check_state(self, facts: int) -> None:
        """The changelog, folded by key, is the state that the outputs tell of."""
        state = {(r.partition, r.key): r.value for r in read_topic(self.settings, "g1-resolve-changelog")}
        counts: dict[tuple[int, bytes], bytes | None] = {}
        for partition, value in self.expected_outputs():
            key, number, _ = value.split()
            counts[partition, b"\x01" + key] = None if key.startswith(FORGOTTEN) else number
        assert {key: value for key, value in state.items() if key[1] != b"\x00next"} == counts
        seen = {
            r.partition: r.value
            for r in read_topic(self.settings, "g1-identity-changelog")
            if r.key == b"\x01seen"
        }
        assert sum(int(value or b"0") for value in seen.values()) == facts
