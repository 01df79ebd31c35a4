"""Identity: facts in; pointers, and what nodes derive for each other, out. The step around the pointer forest.

All facts of a chunk are put together by node; a node whose state changed computes its outcome once, and what
differs from what it sent last is sent. Derivations go back to `identity.facts`: at most one round per kind of
identifier and link of an alias chain. State and messages are one transaction of the stream core, so nothing is ever
sent twice or forgotten.
"""

from collections.abc import Iterator, Sequence

import msgspec

from processors.authority import workspace_of
from processors.facts import Derivation, Fact, UnknownFactsVersion, decode_facts, encode_facts
from processors.forest import NodeState, Outcome, apply, outcome
from processors.letters import dead_letter, letter_record
from processors.parsed import Refusal
from processors.timeline import Segment
from processors.times import TIME_MAX
from schemas.codec import encode_pointer
from schemas.dead_letter import NOWHERE, Sender, Stage
from schemas.identifiers import node_id, partition_of, profile_id
from schemas.reasons import Reason
from schemas.stream import InputRecord, OutputRecord, State
from schemas.topics import IDENTITY_FACTS, IDENTITY_POINTERS

PREFIX = b"n"
GENERATION_SHIFT = 48  # a version is the state's generation above, the number of facts applied below

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(NodeState).decode


class News(msgspec.Struct):
    """What one chunk brought for one node; `timestamp` is Kafka's, of the last record."""

    facts: list[Fact] = []
    derivations: list[Derivation] = []
    timestamp: int = 0


class Identity:
    """The step of agent `identity` on `identity.facts`."""

    def __init__(self, *, hash_key: bytes, partitions: int, generation: int = 1) -> None:
        self.hash_key = hash_key
        self.partitions = partitions
        self.version_base = generation << GENERATION_SHIFT

    def __call__(self, partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
        news, outputs = self._read(partition, records)
        told: dict[int, list[Derivation]] = {}
        for node, entry in news.items():
            for item in self._node(node, entry, state):
                if isinstance(item, OutputRecord):
                    outputs.append(item)
                else:
                    told.setdefault(partition_of(item.node, self.partitions), []).append(item)
        for target, derivations in sorted(told.items()):
            for value in encode_facts([], derivations):
                outputs.append(OutputRecord(IDENTITY_FACTS.name, target, derivations[0].node, value))
        return outputs

    def _read(
        self, partition: int, records: Sequence[InputRecord]
    ) -> tuple[dict[bytes, News], list[OutputRecord]]:
        news: dict[bytes, News] = {}
        refused = []
        for record in records:
            try:
                pack = decode_facts(record.value or b"")
            except (msgspec.DecodeError, UnknownFactsVersion, RecursionError) as error:
                refused.append(self._refuse(str(error), partition, record))
                continue
            for fact in pack.facts:
                _of(news, fact.node, record).facts.append(fact)
            for derivation in pack.derivations:
                _of(news, derivation.node, record).derivations.append(derivation)
        return news, refused

    def _refuse(self, detail: str, partition: int, record: InputRecord) -> OutputRecord:
        refusal = Refusal(Reason.UNREADABLE_PACK, f"identity.facts {partition} {record.offset}: {detail}")
        sender = Sender("", "", "", record.timestamp)
        return letter_record(
            dead_letter(Stage.IDENTITY, refusal, sender, NOWHERE, record.value or b""), self.partitions
        )

    def _node(self, node: bytes, news: News, state: State) -> Iterator[OutputRecord | Derivation]:
        number = node_id(node, self.hash_key)
        key = PREFIX + number.to_bytes(8, "big")
        stored = state.get(key)
        known = _decode(stored) if stored else NodeState()
        grown = apply(node, known, news.facts, news.derivations)
        if grown is known:
            return
        result = outcome(node, grown)
        state[key] = _encode(msgspec.structs.replace(grown, sent_owners=result.owners, sent_told=result.told))
        version = self.version_base + grown.changes
        if result.owners != (known.sent_owners or [(0, node)]):
            yield self._pointer(node, result.owners, version, news.timestamp)
        yield from _retold(node, known, result, version)

    def _pointer(self, node: bytes, owners: list[Segment], version: int, updated_at: int) -> OutputRecord:
        """A contested anonymous id is its own root: its segments say who owned it when."""
        number = node_id(node, self.hash_key)
        contested = len(owners) > 1
        record = {
            "workspace": workspace_of(node),
            "node": number,
            "owner": number if contested else node_id(owners[0][1], self.hash_key),
            "segments": self._segments(owners) if contested else [],
            "version": version,
            "is_deleted": False,
            "updated_at": updated_at,
        }
        key = profile_id(number).encode()
        return OutputRecord(
            IDENTITY_POINTERS.name, partition_of(key, self.partitions), key, encode_pointer(record)
        )

    def _segments(self, owners: list[Segment]) -> list[dict[str, int]]:
        ends = [start for start, _ in owners[1:]] + [TIME_MAX]
        return [
            {"valid_from": start, "valid_to": end, "owner": node_id(owner, self.hash_key)}
            for (start, owner), end in zip(owners, ends, strict=True)
        ]


def _of(news: dict[bytes, News], node: bytes, record: InputRecord) -> News:
    entry = news.setdefault(node, News())
    entry.timestamp = record.timestamp
    return entry


def _retold(node: bytes, known: NodeState, result: Outcome, version: int) -> Iterator[Derivation]:
    """Per node that must hear something new, all that is said to it; {} takes back what was said."""
    for to in sorted(known.sent_told.keys() | result.told.keys()):
        targets = result.told.get(to, {})
        if targets != known.sent_told.get(to, {}):
            yield Derivation(to, node, version, targets)
