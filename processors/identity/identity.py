"""Identity: facts in; pointers, their changes, and what nodes derive for each other, out. The step around the pointer forest.

All facts of a chunk are put together by node; a node whose state changed computes its outcome once, and what
differs from what it sent last is sent. Derivations go back to `identity.facts`: at most one round per kind of
identifier and link of an alias chain. State and messages are one transaction of the stream core, so nothing is ever
sent twice or forgotten.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from processors.events.authority import workspace_of
from processors.events.letters import dead_letter, letter_record
from processors.events.parsed import Refusal
from processors.events.times import TIME_MAX
from processors.identity.changes import Move, moves
from processors.identity.facts import Derivation, Fact, UnknownFactsVersion, decode_facts, encode_facts
from processors.identity.forest import Targets, apply, outcome
from processors.identity.node_state import NO_RULINGS, VERSION, NodeState, Owned
from processors.identity.rulings import admitted_derivations, admitted_facts, ruled, standing
from schemas.events.dead_letter import NOWHERE, Sender, Stage
from schemas.events.reasons import Reason
from schemas.identity.identifiers import node_id, partition_of, profile_id
from schemas.identity.orders import Order
from schemas.stream import InputRecord, OutputRecord, State
from schemas.topics import IDENTITY_FACTS, IDENTITY_POINTERS, PROFILE_CHANGES
from schemas.wire.codec import encode_pointer, encode_profile_change

PREFIX = b"n"
GENERATION_SHIFT = 48  # a version is the state's generation above, the number of facts applied below

Name = TypeVar("Name", bytes, int)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(NodeState).decode


class News(msgspec.Struct):
    """What one chunk brought for one node; `timestamp` is Kafka's, of the last record."""

    facts: list[Fact] = []
    derivations: list[Derivation] = []
    orders: list[Order] = []
    timestamp: int = 0


class Identity:
    """The step of agent `identity` on `identity.facts`."""

    def __init__(self, *, hash_key: bytes, partitions: int, generation: int = 1) -> None:
        self.hash_key = hash_key
        self.partitions = partitions
        self.version_base = generation << GENERATION_SHIFT

    def __call__(self, partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
        outputs: list[OutputRecord] = []
        told: dict[int, list[Derivation]] = {}
        for number, node, entry in self._read(partition, records, outputs):
            for item in self._node(number, node, entry, state):
                if isinstance(item, OutputRecord):
                    outputs.append(item)
                else:
                    told.setdefault(partition_of(item.node, self.partitions), []).append(item)
        for target, derivations in sorted(told.items()):
            outputs.extend(
                OutputRecord(IDENTITY_FACTS.name, target, derivations[0].node, value)
                for value in encode_facts([], derivations)
            )
        return outputs

    def _read(
        self, partition: int, records: Sequence[InputRecord], outputs: list[OutputRecord]
    ) -> Iterator[tuple[int, bytes, News]]:
        """What there is by node; what cannot be read goes to the outputs.

        What came before an order is worked off before it: a state counts its changes, and must not tell how chunks were cut.
        """
        news: dict[bytes, News] = {}
        orders: dict[int, News] = {}
        for record in records:
            try:
                pack = decode_facts(record.value or b"")
            except (msgspec.DecodeError, UnknownFactsVersion, RecursionError) as error:
                outputs.append(self._refuse(str(error), partition, record))
                continue
            if pack.orders:
                yield from self._numbered(news, orders)
                news, orders = {}, {}
            for fact in pack.facts:
                _of(news, fact.node, record).facts.append(fact)
            for derivation in pack.derivations:
                _of(news, derivation.node, record).derivations.append(derivation)
            for order in pack.orders:
                _of(orders, order.node, record).orders.append(order)
        yield from self._numbered(news, orders)

    def _numbered(
        self, news: dict[bytes, News], orders: dict[int, News]
    ) -> Iterator[tuple[int, bytes, News]]:
        """Node id, node key and news of each node, the key being b"" where there are orders alone."""
        for node, entry in news.items():
            number = self._id(node)
            if ordered := orders.pop(number, None) if orders else None:
                entry.orders = ordered.orders
                entry.timestamp = max(entry.timestamp, ordered.timestamp)
            yield number, node, entry
        for number, entry in orders.items():
            yield number, b"", entry

    def _id(self, node: bytes) -> int:
        return node_id(node, self.hash_key)

    def _refuse(self, detail: str, partition: int, record: InputRecord) -> OutputRecord:
        refusal = Refusal(Reason.UNREADABLE_PACK, f"identity.facts {partition} {record.offset}: {detail}")
        sender = Sender("", "", "", record.timestamp)
        return letter_record(
            dead_letter(Stage.IDENTITY, refusal, sender, NOWHERE, record.value or b""), self.partitions
        )

    def _node(
        self, number: int, node: bytes, news: News, state: State
    ) -> Iterator[OutputRecord | Derivation]:
        key = PREFIX + number.to_bytes(8, "big")
        stored = state.get(key)
        known = _decode(stored) if stored else NodeState()
        node = node or known.node
        grown = self._grown(node, known, news)
        if grown is known:
            return
        result = outcome(node, standing(grown, self._id))
        owners = [(start, number if owner == node else self._id(owner)) for start, owner in result.owners]
        after = msgspec.structs.replace(
            grown,
            version=VERSION,
            node=b"" if grown.is_empty else node,
            sent_owners=[] if owners == [(0, number)] else owners,
            sent_told={self._id(to): self._digest(said) for to, said in result.told.items()},
            sent_conflicts=[
                (self._id(target), strength, time) for strength, time, target in result.conflicts
            ],
        )
        state[key] = _encode(after)
        before = known.sent_owners, known.sent_conflicts
        if (after.sent_owners, after.sent_conflicts) != before:
            yield self._pointer(number, node, after, news.timestamp)
            for move in moves(known.owners(number), after.owners(number)):
                yield self._change(node, move, after, news.timestamp)
        yield from self._retold(node, known, after, result.told)

    def _grown(self, node: bytes, known: NodeState, news: News) -> NodeState:
        """Orders first: what they forget is not let in by facts of the same chunk."""
        after = ruled(known, news.orders, self._id)
        facts, derivations = news.facts, news.derivations
        if after.rulings != NO_RULINGS:
            facts = admitted_facts(facts, after.rulings, self._id)
            derivations = admitted_derivations(derivations, after.rulings, self._id)
        return apply(node, after, facts, derivations)

    def _pointer(self, number: int, node: bytes, state: NodeState, updated_at: int) -> OutputRecord:
        """A contested anonymous id is its own root: its segments say who owned it when."""
        owners = state.owners(number)
        contested = len(owners) > 1
        record = {
            "workspace": workspace_of(node),
            "node": number,
            "owner": number if contested else owners[0][1],
            "segments": _segments(owners) if contested else [],
            "version": self.version_base + state.changes,
            "is_deleted": False,
            "updated_at": updated_at,
            "conflicts": [
                {"target": target, "strength": strength, "since": since}
                for target, strength, since in state.sent_conflicts
            ],
        }
        key = profile_id(number).encode()
        return OutputRecord(
            IDENTITY_POINTERS.name, partition_of(key, self.partitions), key, encode_pointer(record)
        )

    def _retold(
        self, node: bytes, known: NodeState, after: NodeState, told: dict[bytes, Targets]
    ) -> Iterator[Derivation]:
        """Per node that must hear something new, all that is said to it; {} takes back what was said."""
        if not known.sent_told and not told:  # nearly always
            return
        version = self.version_base + after.changes
        for to in sorted(known.targets() | told.keys()):
            number = self._id(to)
            if known.sent_told.get(number) != after.sent_told.get(number):
                yield Derivation(to, node, version, told.get(to, {}))

    def _change(self, node: bytes, move: Move, state: NodeState, updated_at: int) -> OutputRecord:
        """Beside the pointer, in its partition; kept per node and beginning."""
        number = self._id(node)
        record = {
            "workspace": workspace_of(node),
            "node": number,
            "from": move.giver,
            "to": move.taker,
            "valid_from": move.valid_from,
            "valid_to": move.valid_to,
            "version": self.version_base + state.changes,
            "updated_at": updated_at,
        }
        key = profile_id(number).encode()
        return OutputRecord(
            PROFILE_CHANGES.name,
            partition_of(key, self.partitions),
            b"%b:%d" % (key, move.valid_from),
            encode_profile_change(record),
        )

    def _digest(self, said: Targets) -> int:
        return node_id(_encode(sorted(said.items())), self.hash_key)


def _segments(owners: list[Owned]) -> list[dict[str, int]]:
    ends = [start for start, _ in owners[1:]] + [TIME_MAX]
    return [
        {"valid_from": start, "valid_to": end, "owner": owner}
        for (start, owner), end in zip(owners, ends, strict=True)
    ]


def _of(news: dict[Name, News], node: Name, record: InputRecord) -> News:
    entry = news.setdefault(node, News())
    entry.timestamp = record.timestamp
    return entry
