"""State once more from the log: the pure steps run over what Kafka holds, with a fresh state in memory, and compared.

A step is a function of its records in order, whatever the chunks were. So after any faults the changelog, folded by key, must be
what the steps make of the input below the recorded position; the outputs on the topics must be theirs, each once and in order;
and every state folder must be the fold of its changelog up to its own mark: a zombie's too.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from rocksdict import AccessType, Options, Rdict

from processors.identity.facts import Fact, decode_facts
from processors.identity.identity import Identity
from processors.identity.node_state import NodeState
from processors.resolver.resolve import Resolver
from runtime.environment.settings import GENERATION, KafkaSettings, ProcessorSettings, hash_key_bytes
from runtime.streams.store import NEXT, USER, Mark
from schemas.stream import OutputRecord, Step
from schemas.topics import EVENTS_RAW, EVENTS_RESOLVED, IDENTITY_FACTS
from schemas.wire.codec import DEFINITIONS, HEADER, schema_id_of
from tests.chaos.log import Log, read

CHUNK = 500
HINT = "profile_id"  # of a resolved event
FIRST_NODE_BYTE = b"n"  # of a key that holds a NodeState

Folded = dict[bytes, bytes]
_node = msgspec.msgpack.Decoder(NodeState).decode
_mark = msgspec.msgpack.Decoder(Mark).decode


class Logs(msgspec.Struct, frozen=True):
    """Everything that the processors read and wrote, by partition."""

    raw: list[Log]
    facts: list[Log]
    resolved: list[Log]
    changelogs: dict[str, list[Log]]  # by agent

    def unsettled(self) -> int:
        """Partitions in which a transaction is open."""
        everything = (self.raw, self.facts, self.resolved, *self.changelogs.values())
        return sum(not log.is_settled for logs in everything for log in logs)


def logs(kafka: KafkaSettings) -> Logs:
    def of(topic: str) -> list[Log]:
        return read(kafka, topic, kafka.partitions)

    agents = {agent: of(f"{kafka.generation}-{agent}-changelog") for agent in ("resolve", "identity")}
    return Logs(of(EVENTS_RAW.name), of(IDENTITY_FACTS.name), of(EVENTS_RESOLVED.name), agents)


def is_done(found: Logs) -> bool:
    """Whether every input record was processed."""
    inputs = {"resolve": found.raw, "identity": found.facts}
    return all(
        not log.records or position(changelog) > log.records[-1].offset
        for agent, logs in inputs.items()
        for log, changelog in zip(logs, found.changelogs[agent], strict=True)
    )


def position(changelog: Log) -> int:
    value = fold(changelog).get(NEXT)
    return int.from_bytes(value, "big") if value else 0


def fold(changelog: Log, below: int | None = None) -> Folded:
    """The newest value of each key, of the records below an offset."""
    found: Folded = {}
    for record in changelog.records:
        if below is not None and record.offset >= below:
            break
        if record.value is None:
            found.pop(record.key or b"", None)
        else:
            found[record.key or b""] = record.value
    return found


def wrongs(found: Logs, settings: ProcessorSettings, state_dirs: Iterable[Path]) -> list[str]:
    """In words, everything in which the log contradicts itself; empty when all is right."""
    key, partitions = hash_key_bytes(settings), len(found.raw)
    resolver = Resolver(
        hash_key=key,
        partitions=partitions,
        duplicate_window_days=settings.duplicate_window_days,
        duplicate_ids_per_key_max=settings.duplicate_ids_per_key_max,
    )
    identities = Identity(hash_key=key, partitions=partitions, generation=GENERATION)
    outputs: list[list[OutputRecord]] = []
    told = list(_states("resolve", resolver, found.raw, found.changelogs["resolve"], outputs))
    told += _states("identity", identities, found.facts, found.changelogs["identity"], [])
    told += _resolved(outputs, found.resolved)
    told += _facts(outputs, found.facts)
    told += _folders(found.changelogs, list(state_dirs))
    return told


def _states(
    agent: str, step: Step, inputs: list[Log], changelogs: list[Log], outputs: list[list[OutputRecord]]
) -> Iterator[str]:
    for partition, (log, changelog) in enumerate(zip(inputs, changelogs, strict=True)):
        state, sent = recomputed(step, partition, log, position(changelog))
        outputs.append(sent)
        committed = {key[1:]: value for key, value in fold(changelog).items() if key[:1] == USER}
        if different := sum(1 for key in state.keys() | committed.keys() if not _same(key, state, committed)):
            yield f"{agent}[{partition}]: {different} of {len(state)} keys differ from a recomputation"


def recomputed(step: Step, partition: int, log: Log, below: int) -> tuple[Folded, list[OutputRecord]]:
    """State and outputs of the records below a position."""
    state: Folded = {}
    records = [record for record in log.records if record.offset < below]
    sent = []
    for at in range(0, len(records), CHUNK):
        sent += step(partition, records[at : at + CHUNK], state)
    return state, sent


def _same(key: bytes, left: Folded, right: Folded) -> bool:
    one, other = left.get(key), right.get(key)
    if one == other:
        return True
    if one is None or other is None or key[:1] != FIRST_NODE_BYTE:
        return False
    return _node(one) == _node(other)  # a mapping's order is no difference


def _resolved(outputs: Sequence[Sequence[OutputRecord]], resolved: Sequence[Log]) -> Iterator[str]:
    """Each resolved event once, and those of one input partition in its order; byte for byte, but for the hint."""
    places = {
        without_hint(sent.value): (sent.partition, source, number)
        for source, all_sent in enumerate(outputs)
        for number, sent in enumerate(all_sent)
        if sent.topic == EVENTS_RESOLVED.name
    }
    found = [[without_hint(record.value or b"") for record in log.records] for log in resolved]
    values = Counter(value for log in found for value in log)
    if doubled := values.total() - len(values):
        yield f"{doubled} records too many on events.resolved"
    if foreign := len(values.keys() - places.keys()):
        yield f"{foreign} records of no event on events.resolved"
    if lost := len(places.keys() - values.keys()):
        yield f"{lost} events are missing on events.resolved"
    for partition, log in enumerate(found):
        order = [places[value] for value in log if value in places]
        if any(wanted != partition for wanted, *_ in order):
            yield f"events.resolved[{partition}] holds records of other partitions"
        # By source, in the order of the log; a stable sort leaves them so.
        by_source = sorted(order, key=lambda place: place[1])
        if by_source != sorted(order, key=lambda place: place[1:]):
            yield f"events.resolved[{partition}] is out of order"


def without_hint(value: bytes) -> bytes:
    """A resolved event's bytes without its `profile_id`, the one field that depends on what a worker happened to know."""
    start = HEADER.size
    for field in DEFINITIONS[schema_id_of(value)]["fields"]:
        end = _after(value, start, is_text=field["type"] == "string")
        if field["name"] == HINT:
            return value[:start] + value[end:]
        start = end
    raise AssertionError(f"no {HINT} in schema {schema_id_of(value)}")


def _after(value: bytes, start: int, *, is_text: bool) -> int:
    """Where Avro's text or number that begins here ends; both begin with a number of seven bits a byte, the lowest first."""
    end, number = start, 0
    while True:
        number |= (value[end] & 0x7F) << 7 * (end - start)
        end += 1
        if value[end - 1] < 0x80:
            return end + (number >> 1 if is_text else 0)


def _facts(outputs: Sequence[Sequence[OutputRecord]], logs: Sequence[Log]) -> Iterator[str]:
    """The facts that resolve states, each once; how they are packed depends on the chunks."""
    wanted = Counter(
        _in_words(fact)
        for sent in outputs
        for record in sent
        if record.topic == IDENTITY_FACTS.name
        for fact in decode_facts(record.value).facts
    )
    found = Counter(
        _in_words(fact)
        for log in logs
        for record in log.records
        for fact in decode_facts(record.value or b"").facts
    )
    if wanted != found:
        yield f"identity.facts: {(wanted - found).total()} facts missing, {(found - wanted).total()} too many"


def _in_words(fact: Fact) -> bytes:
    return msgspec.msgpack.encode(fact)


def _folders(changelogs: dict[str, list[Log]], state_dirs: list[Path]) -> Iterator[str]:
    """Every folder at its own mark; and of each partition one that is at the end."""
    for agent, logs in changelogs.items():
        for partition, changelog in enumerate(logs):
            marks = []
            for root in state_dirs:
                folder = root / f"g{GENERATION}" / agent / str(partition)
                if folder.exists():
                    mark, content = _content(folder)
                    marks.append(mark.position)
                    if not _is_fold(content, changelog, mark.position):
                        yield f"{folder} is not its changelog's fold at {mark.position}"
            if changelog.records and max(marks, default=0) <= changelog.records[-1].offset:
                yield f"{agent}[{partition}]: no folder is at the changelog's end"


def _is_fold(content: Folded, changelog: Log, position: int) -> bool:
    """Whether a folder is what the changelog said up to there.

    In an hour Kafka compacts the log: what was written again behind `position` is gone before it. A folder that somebody left
    there may have such a key, and nothing else that the log has not.
    """
    found = fold(changelog, position)
    gone = content.keys() - found.keys()
    written_again = {record.key for record in changelog.records if record.offset >= position}
    return gone <= written_again and all(content.get(key) == value for key, value in found.items())


def _content(folder: Path) -> tuple[Mark, Folded]:
    db = Rdict(str(folder), Options(raw_mode=True), access_type=AccessType.read_only())
    try:
        found = {bytes(key): bytes(value) for key, value in db.items()}  # type: ignore[arg-type]
    finally:
        db.close()
    mark = _mark(found.pop(b"\x00mark")) if b"\x00mark" in found else Mark()
    found.pop(b"\x00identity", None)
    return mark, found
