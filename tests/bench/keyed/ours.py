"""Our contender: the stream core with the task as its step, in as many worker processes as are asked for.

    python -m tests.bench.keyed.ours pack|array|single

runs one worker; its settings come from the environment.
"""

import os
import struct
import sys
from collections.abc import Callable, Iterable, Sequence

import msgspec

from processors.worker import Settings, Steps, run_steps
from runtime import logs
from runtime.environment.settings import KafkaSettings, ProcessorSettings, load
from schemas.events.pack import decode_pack
from schemas.stream import InputRecord, OutputRecord, State
from tests.bench.keyed.task import ARRAY, PACK, Answer, Event

IN, OUT = "events.raw", "events.resolved"
TOTALS = struct.Struct(">qq")
_event = msgspec.json.Decoder(Event).decode
_events = msgspec.json.Decoder(list[Event]).decode
_encode = msgspec.json.Encoder().encode


def of_pack(value: bytes) -> Iterable[Event]:
    return [_event(event.payload) for event in decode_pack(value).events]


def of_single(value: bytes) -> Iterable[Event]:
    return (_event(value),)


class Count:
    """The task's step."""

    def __init__(self, events_of: Callable[[bytes], Iterable[Event]]) -> None:
        self._events_of = events_of

    def __call__(self, partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
        outputs = []
        for record in records:
            for event in self._events_of(record.value or b""):
                user = event.user_id.encode()
                before = state.get(user)
                count, total = (0, 0) if before is None else TOTALS.unpack(before)
                count, total = count + 1, total + event.amount
                state[user] = TOTALS.pack(count, total)
                answer = _encode(Answer(event.message_id, event.user_id, count, total))
                outputs.append(OutputRecord(OUT, partition, user, answer))
        return outputs


def count_in(shape: str) -> Count:
    """The step for messages of this shape."""
    return Count(of_pack if shape == PACK else _events if shape == ARRAY else of_single)


def idle(partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
    return []


def main() -> None:
    logs.configure("keyed")
    step = count_in(sys.argv[1])
    settings = Settings(load(KafkaSettings, os.environ), load(ProcessorSettings, os.environ))
    run_steps(settings, Steps(step, idle), os.environ)


if __name__ == "__main__":
    main()
