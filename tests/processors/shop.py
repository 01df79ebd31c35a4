"""What the tests of carts and products share: facts, records, and the agent's step over them in chunks."""

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

from processors.commerce.commerce_agent import Commerce
from processors.commerce.commerce_facts import (
    ADDED,
    CartFact,
    FactPack,
    Line,
    ProductFact,
    Values,
    decode_facts,
    encode_facts,
    encode_orders,
    encode_tick,
)
from schemas.events.candidates import Candidate, decode_candidate
from schemas.identity.orders import Order
from schemas.stream import InputRecord, OutputRecord
from schemas.wire.codec import decode

HASH_KEY = bytes(range(16))
HOUR = 3_600_000
START = 1_715_000_000_000 // HOUR * HOUR
AFTER_S = 3_600
ONE = 1_000_000


def cart_fact(message: int, time: int, kind: int = ADDED, **fields: Any) -> CartFact:
    lines = fields.pop("lines", [Line("mug", "Mug", "", "EUR", ONE, 8 * ONE)])
    known: dict[str, Any] = {
        "workspace": "main",
        "cart_id": "k1",
        "visitor": 7,
        "subject": 7,
        "source": "shop",
    }
    return CartFact(**(known | fields), time=time, message=message, kind=kind, lines=lines)


def product_fact(time: int, **values: Any) -> ProductFact:
    return ProductFact("main", "mug", time, Values(**values))


class Shop:
    """One partition of the agent; `random` chooses the chunks."""

    def __init__(self, after_s: int = AFTER_S, seed: int = 0) -> None:
        self.step = Commerce(hash_key=HASH_KEY, partitions=1, abandoned_after_s=after_s)
        self.state: dict[bytes, bytes] = {}
        self.random = Random(seed)  # noqa: S311 - the order of a test
        self.carts: dict[int, dict[str, Any]] = {}
        self.catalogue: list[dict[str, Any]] = []
        self.candidates: list[Candidate] = []
        self.letters: list[dict[str, Any]] = []
        self._offset = 0

    def take(self, *messages: CartFact | ProductFact | int | Order) -> "Shop":
        """Facts, orders, and ticks (a number is a moment)."""
        values = [value for message in messages for value in _values(message)]
        while values:
            count = self.random.randint(1, 4)
            self.read(values[:count])
            values = values[count:]
        return self

    def read(self, values: Iterable[bytes]) -> None:
        """One chunk."""
        records = []
        for value in values:
            records.append(InputRecord(self._offset, START, None, value))
            self._offset += 1
        for out in self.step(0, records, self.state):
            self._keep(out)

    def restarted(self) -> "Shop":
        """A worker that has the same state and nothing else."""
        other = Shop(self.step.abandoned_after_ms // 1000, self.random.randint(0, 99))
        other.state = dict(self.state)
        return other

    @property
    def cart(self) -> dict[str, Any]:
        """The only one, without its version."""
        (found,) = self.carts.values()
        return {name: value for name, value in found.items() if name != "version"}

    def _keep(self, out: OutputRecord) -> None:
        if out.topic == "carts.candidates":
            self.candidates.append(decode_candidate(out.value))
            return
        record = decode(out.value)
        if out.topic == "carts":
            known = self.carts.get(record["cart"])
            assert known is None or known["version"] < record["version"], "versions must grow"
            self.carts[record["cart"]] = record
        elif out.topic == "catalogue":
            self.catalogue.append(record)
        else:
            self.letters.append(record)


def _values(message: CartFact | ProductFact | int | Order) -> list[bytes]:
    if isinstance(message, CartFact):
        return list(encode_facts([message], []))
    if isinstance(message, ProductFact):
        return list(encode_facts([], [message]))
    return [encode_tick(message) if isinstance(message, int) else encode_orders([message])]


def read_facts(outputs: Sequence[OutputRecord]) -> list[FactPack]:
    return [decode_facts(out.value) for out in outputs if out.topic == "commerce.facts"]
