"""A whole worker with toy steps, run as a process of its own by the tests: `python toy_worker.py`.

`count` numbers every record per key, on `events.resolved`, and tells `identity.facts`; `chain` sends each fact on to itself a
few times, so that an agent reads a topic that it writes in transactions. Toy switches are keys and a signal: some make it hang.
"""

import asyncio
import os
import signal
import time
from collections.abc import Sequence

import runtime.logs  # noqa: F401 - as a stage's own start does
from processors.stage import Stage, open_group
from processors.worker import Steps, load_settings, run_steps
from runtime import logs
from runtime.kafka import require_topics
from runtime.streams.group import Group
from schemas.stream import InputRecord, OutputRecord, State
from tests.runtime.faulty_group import FaultyGroup

HOPS = 2  # how often a fact is sent on
FORGOTTEN = b"forget:"  # a key with this prefix is deleted again at once
POISON = b"poison"
SLOW = b"slow"  # processing takes a while
SLOW_S = 0.2
ENDLESS = b"endless"  # ... or for ever
DEAF = b"deaf"  # nothing is read any more, after this one's chunk
AGES_S = 3600
OPENED: list[Group] = []
BLOCK_LOOP = signal.SIGUSR1  # the event loop runs nothing any more


def count(partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
    """`key` -> how often it was seen; each sighting is an output with its number and the input's offset."""
    outputs = []
    for record in records:
        key = record.value or b""
        if key == POISON:
            raise RuntimeError("a step's bug")
        dawdle(key)
        number = int(state.get(key, b"0")) + 1
        state[key] = b"%d" % number
        if key.startswith(FORGOTTEN):
            del state[key]
        value = b"%s %d %d" % (key, number, record.offset)
        outputs.append(OutputRecord("events.resolved", partition, key, value))
        outputs.append(OutputRecord("identity.facts", partition, key, b"%d %d" % (record.offset, HOPS)))
    return outputs


def dawdle(key: bytes) -> None:
    if key == SLOW:
        time.sleep(SLOW_S)
    elif key == ENDLESS:
        time.sleep(AGES_S)
    elif key == DEAF:
        setattr(type(OPENED[0].reader), "take", hear_nothing)  # noqa: B010 - mypy would refuse the assignment


async def hear_nothing(*_: object) -> None:
    await asyncio.sleep(AGES_S)


def chain(partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
    """Counts facts, and sends each on until its hops are used up."""
    outputs = []
    for record in records:
        fact, hops = (record.value or b"").split()
        state[b"seen"] = b"%d" % (int(state.get(b"seen", b"0")) + 1)
        seen = b"%s/%s" % (fact, hops)
        state[seen] = b"%d" % (int(state.get(seen, b"0")) + 1)
        if int(hops):
            outputs.append(OutputRecord("identity.facts", partition, fact, b"%s %d" % (fact, int(hops) - 1)))
    return outputs


def group(stage: Stage) -> Group:
    opened = open_group(stage)
    OPENED.append(opened)
    if seed := os.environ.get("TOY_FAULTS"):
        return FaultyGroup(opened, int(seed), lossy="resolve")
    return opened


def main() -> None:
    logs.configure("toy")
    settings = load_settings(os.environ)
    require_topics(settings.kafka)
    signal.signal(BLOCK_LOOP, lambda *_: time.sleep(AGES_S))
    run_steps(settings, Steps(count, chain), os.environ, group)


if __name__ == "__main__":
    main()
