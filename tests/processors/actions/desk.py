"""Agent `actions` on its partitions in memory: Kafka's promises without Kafka, and whoever answers played by the test."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from processors.actions.actions_agent import Actions
from schemas.actions.action_work import (
    Claim,
    Due,
    Firing,
    Grant,
    Result,
    decode_due,
    decode_work,
    encode_work,
)
from schemas.identity.orders import Order
from schemas.rules.rule_candidates import Candidate, decode_rule_candidate
from schemas.stream import InputRecord, OutputRecord
from schemas.wire.codec import decode
from tests.processors.firings import AT, a_firing, a_rule

HASH_KEY = bytes(range(16))
WAIT_S = 600
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000

Item = Firing | Claim | Grant | Result
S = TypeVar("S", bound=msgspec.Struct)


def new_step(partitions: int = 1) -> Actions:
    return Actions(hash_key=HASH_KEY, partitions=partitions, result_wait_s=WAIT_S)


class Desk:
    """`take` works off what it is given, and what the agent tells itself, until nothing is left."""

    def __init__(self, partitions: int = 1) -> None:
        self.partitions = partitions
        self.step = new_step(partitions)
        self.states: dict[int, dict[bytes, bytes]] = defaultdict(dict)
        self.now = AT + 1_000
        self.firings: list[dict[str, Any]] = []
        self.deliveries: list[dict[str, Any]] = []
        self.letters: list[dict[str, Any]] = []
        self.dues: list[Due] = []
        self.candidates: list[Candidate] = []
        self.others: list[OutputRecord] = []
        self.offset = 0

    def take(self, *items: Item, home: int = 0, orders: Sequence[Order] = ()) -> "Desk":
        self._work({home: encode_work(items, orders=orders)})
        return self

    def wait(self, milliseconds: int) -> "Desk":
        """Time passes, told to every partition."""
        self.now += milliseconds
        self._work({home: encode_work(tick=self.now) for home in range(self.partitions)})
        return self

    def until(self, moment: int) -> "Desk":
        return self.wait(moment - self.now)

    def answer(self, due: Due, outcome: str = "delivered", **fields: Any) -> "Desk":
        return self.take(result(due, outcome, self.now, **fields), home=due.home)

    @property
    def states_shown(self) -> list[tuple[str, str]]:
        return [(each["state"], each["reason"]) for each in self.firings]

    @property
    def last(self) -> tuple[str, str]:
        return self.states_shown[-1]

    def _work(self, values: dict[int, bytes]) -> None:
        while values:
            found: dict[int, bytes] = {}
            for home, value in values.items():
                self.offset += 1
                record = InputRecord(self.offset, self.now, None, value)
                for output in self.step(home, [record], self.states[home]):
                    if output.topic == "actions.work":
                        found[output.partition] = output.value
                    else:
                        self._keep(output)
            values = found

    def _keep(self, output: OutputRecord) -> None:
        match output.topic:
            case "actions":
                self.firings.append(decode(output.value))
            case "actions.deliveries":
                self.deliveries.append(decode(output.value))
            case "events.dead":
                self.letters.append(decode(output.value))
            case "actions.due":
                self.dues.append(decode_due(output.value))
            case "rules.candidates":
                self.candidates.append(decode_rule_candidate(output.value))
            case _:
                self.others.append(output)


def result(due: Due, outcome: str, now: int, **fields: Any) -> Result:
    known: dict[str, Any] = {"status": 200, "error": "", "answer": "", "started_at": now, "took_ms": 5}
    return Result(id=due.id, attempt=due.attempt, outcome=outcome, **(known | fields))


def items_of(output: OutputRecord) -> list[Item]:
    return list(decode_work(output.value).items)


def bytes_of(state: dict[bytes, bytes]) -> int:
    return sum(len(key) + len(value) for key, value in state.items())


def named(of: S, **fields: Any) -> S:
    return msgspec.structs.replace(of, **fields)


def fired(desk: Desk, limits: dict[str, Any] | None = None, **fields: Any) -> Desk:
    return desk.take(a_firing(a_rule(limits=limits or {}), **fields))
