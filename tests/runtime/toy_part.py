"""A Part with a counting step, for the tests that drive one Part on a real broker by hand."""

from collections.abc import Sequence

from runtime.environment.settings import KafkaSettings
from runtime.streams.chunk import Chunk
from runtime.streams.part import Part, PartOpener, PartSpec, open_part
from runtime.streams.state import ChunkState
from runtime.streams.transaction import PartLost
from schemas.stream import InputRecord, OutputRecord, State, Step
from schemas.topics import EVENTS_RESOLVED
from tests.runtime.topic_log import eventually, read_topic

OUT = EVENTS_RESOLVED.name


def count(partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
    """Counts each value; `-key` deletes the key; `=` does nothing."""
    outputs = []
    for record in records:
        key = record.value or b""
        if key.startswith(b"-"):
            del state[key[1:]]
        elif key != b"=":
            number = int(state.get(key, b"0")) + 1
            state[key] = b"%d" % number
            outputs.append(OutputRecord(OUT, partition, key, b"%d" % number))
    return outputs


def chunk(start: int, *values: bytes) -> Chunk:
    records = [InputRecord(start + index, 0, None, value) for index, value in enumerate(values)]
    return Chunk(start, start + len(values), records)


def opened(spec: PartSpec, opener: PartOpener, step: Step = count) -> Part:
    """Topics are new: their leaders may still be on the way."""

    def attempt() -> Part | None:
        try:
            return open_part(spec, step, opener)
        except PartLost:
            return None

    return eventually(attempt)


def state_of(part: Part) -> dict[bytes, bytes]:
    return dict(ChunkState(part._store))


def outputs(settings: KafkaSettings) -> list[tuple[bytes, bytes | None]]:
    return [(record.key, record.value) for record in read_topic(settings, OUT)]


def closed_after(spec: PartSpec, opener: PartOpener, *chunks: Chunk) -> None:
    part = opened(spec, opener)
    for each in chunks:
        part.process(each)
    part.close()


def reopened(spec: PartSpec, opener: PartOpener) -> tuple[int, dict[bytes, bytes]]:
    part = opened(spec, opener)
    found = part.next, state_of(part)
    part.close()
    return found
