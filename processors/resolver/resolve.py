"""The resolver: packs of raw events in; resolved events, facts about people, dead letters and ledger entries out.

Per event: seen before? readable? whose? to be stored at all? as its source's plan wants it? Then one resolved event, with what
enrichment.py says of it, and those facts that identity does not know yet. State of a partition: recent message ids
(duplicates.py), links sent (known.py) and what enrichment keeps, all in one value (visitor_values.py), and what people ordered
(orders.py). An event that cannot be used becomes a dead letter, whatever its bytes are; nothing here raises.
"""

from collections.abc import Callable, Sequence
from copy import copy

import msgspec

import schemas.values.octets as octets
from processors.commerce.commerce_outbox import CommerceOutbox
from processors.enrichment.context import read_event
from processors.enrichment.enrichment import NO_RULES, Enrichment, Rules
from processors.enrichment.plans import NO_PLANS, Plans, judge
from processors.events.ledger import DEAD, DROPPED, DUPLICATE, FORGOTTEN, RESOLVED, WITHHELD, Ledger
from processors.events.letters import dead_letter, letter_record
from processors.events.links import LinkKeys
from processors.events.mentions import Mentions, alone, gathered, mentions, nodes_of, person_id
from processors.events.parsed import ParsedEvent, Refusal, under_source
from processors.events.times import clamp, has_unusable_time
from processors.identity.facts import BOUNDARY, Fact, encode_facts, facts_of
from processors.identity.known import KnownFacts
from processors.identity.orders import Orders
from processors.resolver.duplicates import DuplicateLimits, Duplicates
from processors.resolver.hints import device_root, root
from processors.resolver.resolved import Origin, Stamped, Whose, resolved_event
from processors.resolver.shown import asked
from processors.resolver.visitor_values import VisitorValues
from schemas.events.dead_letter import Lineage, Sender, Stage
from schemas.events.pack import PackedEvent, UnknownPackVersion, decode_pack
from schemas.events.reasons import Reason
from schemas.events.remarks import Remark
from schemas.events.user_steps import UserSteps
from schemas.events.withheld import is_withheld
from schemas.identity.identifiers import ANONYMOUS, USER, node_id, node_key, partition_of, profile_key, text
from schemas.stream import InputRecord, OutputRecord, Owners, State, no_owners
from schemas.topics import EVENTS_RESOLVED, IDENTITY_FACTS

RECORD_BYTES_MAX = 950_000  # Kafka takes about a million; a larger one would stop the partition for good

_NO_IDENTIFIER = Refusal(
    Reason.NO_IDENTIFIER, "no userId, anonymousId, e-mail or external id says whose event this is"
)


class Resolver:
    """The step of agent `resolve` on `events.raw`. `owners` serve the profile hints alone."""

    def __init__(
        self,
        *,
        hash_key: bytes,
        partitions: int,
        duplicate_window_days: int,
        duplicate_ids_per_key_max: int,
        owners: Owners = no_owners,
    ) -> None:
        self.hash_key = hash_key
        self.partitions = partitions
        self.link_keys: LinkKeys = ()
        self.limits = DuplicateLimits(duplicate_window_days, duplicate_ids_per_key_max)
        self.owners = owners
        self.rules = NO_RULES
        self.plans: Callable[[], Plans] = lambda: NO_PLANS
        self.user_steps: UserSteps | None = None

    def with_link_keys(self, keys: LinkKeys) -> "Resolver":
        """The same step, taking links that were signed with one of these keys; without keys none is taken."""
        other = copy(self)
        other.link_keys = keys
        return other

    def with_rules(self, rules: Rules) -> "Resolver":
        """The same step, enriching by these settings."""
        other = copy(self)
        other.rules = rules
        return other

    def with_plans(self, plans: Callable[[], Plans]) -> "Resolver":
        """The same step, judging each chunk by what `plans` says at its beginning."""
        other = copy(self)
        other.plans = plans
        return other

    def with_user_steps(self, steps: UserSteps | None) -> "Resolver":
        """The same step, asking the deployment's own steps about what is to be stored."""
        other = copy(self)
        other.user_steps = steps
        return other

    def __call__(self, partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
        chunk = _Chunk(self, partition, state)
        for record in records:
            chunk.take(record)
        return chunk.close()


class _Chunk:
    """What one chunk gathers. State is written when it closes, each key once."""

    def __init__(self, resolver: Resolver, partition: int, state: State) -> None:
        self.partition = partition
        self.partitions = resolver.partitions
        self.hash_key = resolver.hash_key
        self.owners = resolver.owners
        self.link_keys = resolver.link_keys
        self.visitors = VisitorValues(state)
        self.duplicates = Duplicates(self.visitors, resolver.limits)
        self.known = KnownFacts(self.visitors, resolver.hash_key)
        self.orders = Orders(state, resolver.hash_key)
        self.is_ordered = bool(self.orders)
        self.enrichment = Enrichment(self.visitors, resolver.rules)
        self.plans = resolver.plans()
        self.context = resolver.rules.context
        self.ledger = Ledger(Stage.RESOLVE, resolver.partitions)
        self.facts: dict[int, list[Fact]] = {}
        self.commerce = CommerceOutbox(state, resolver.partitions, resolver.hash_key)
        self.outputs: list[OutputRecord] = []
        self.user_steps = resolver.user_steps
        self.waiting: dict[bytes, tuple[PackedEvent, Stamped]] = {}  # for the user's steps

    def take(self, record: InputRecord) -> None:
        try:
            pack = decode_pack(record.value or b"")
        except (msgspec.DecodeError, UnknownPackVersion, RecursionError) as error:
            refusal = Refusal(Reason.UNREADABLE_PACK, str(error))
            sender = Sender("", "", "", record.timestamp)
            self._refuse(refusal, sender, Lineage(self.partition, record.offset, 0), record.value or b"")
            return
        if pack.orders:
            self._ask_user_steps()  # about the events before the orders: those are not subject to them
            self.orders.take(pack.orders, self.known)
            self.is_ordered = bool(self.orders)
            self.enrichment.obey(pack.orders)
        for index, packed in enumerate(pack.events):
            self._event(packed, Lineage(self.partition, record.offset, index))

    def close(self) -> list[OutputRecord]:
        self._ask_user_steps()
        self.duplicates.save()
        self.known.save()
        self.enrichment.save()
        self.visitors.save()
        for partition, facts in sorted(self.facts.items()):
            for value in encode_facts(facts, []):
                self.outputs.append(OutputRecord(IDENTITY_FACTS.name, partition, facts[0].node, value))
        self.outputs += [*self.commerce.records(), *self.ledger.records()]
        return self.outputs

    def _event(self, packed: PackedEvent, lineage: Lineage) -> None:
        message_id = packed.message_id or f"raw-{lineage.partition}-{lineage.offset}-{lineage.index}"
        message_hash = octets.eight(node_id(message_id.encode(), self.hash_key))
        visitor = node_id(packed.routing, self.hash_key)
        routing = octets.eight(visitor)
        is_waiting = bool(self.waiting) and routing + message_hash in self.waiting
        if is_waiting or self.duplicates.seen(routing, message_hash):
            self.ledger.count(packed.workspace, packed.source, clamp(packed.received_at), DUPLICATE)
            return
        origin = Origin(message_id, lineage, visitor)
        found = self._resolve(packed, origin)
        seen = routing, message_hash
        if not isinstance(found, Stamped):
            self._settle(found, packed, origin, seen)
        elif self.user_steps:
            self.waiting[routing + message_hash] = packed, found
        else:
            stamped = found
            self._settle(self._emit(stamped, stamped.stored), packed, origin, seen)

    def _settle(
        self, way: str | Refusal, packed: PackedEvent, origin: Origin, seen: tuple[bytes, bytes]
    ) -> None:
        """Count the way it took: an outcome of the ledger, or why it is a dead letter. `seen`: by what it is known again."""
        received_at = clamp(packed.received_at)
        if isinstance(way, Refusal):
            sender = Sender(packed.workspace, packed.source, origin.message_id, packed.received_at)
            self._refuse(way, sender, origin.lineage, packed.payload)
            return
        if way in (RESOLVED, WITHHELD, DROPPED):
            self.duplicates.remember(seen[0], seen[1], received_at)
        self.ledger.count(packed.workspace, packed.source, received_at, way)

    def _ask_user_steps(self) -> None:
        waiting, self.waiting = self.waiting, {}
        if not (waiting and self.user_steps):
            return
        found = asked(self.user_steps, [stamped for _, stamped in waiting.values()])
        for (key, (packed, stamped)), stored in zip(waiting.items(), found, strict=True):
            way = self._emit(stamped, stored) if isinstance(stored, ParsedEvent) else stored
            self._settle(way, packed, stamped.origin, (key[:8], key[8:]))

    def _resolve(self, packed: PackedEvent, origin: Origin) -> Stamped | str | Refusal:
        """As it is to be stored; or what becomes of it instead."""
        found = read_event(packed, self.context)
        if isinstance(found, Refusal):
            return found
        event = found
        about = mentions(event, origin.message_id, self.link_keys)
        if about is None:
            return _NO_IDENTIFIER
        if self.is_ordered:
            before, about = about, self._obeyed(about, event, origin.message_id)
            if self._is_erased(before.subject, about.subject, event.times.happened):
                # That a session ended is told all the same: what is said of a device before and after it may be somebody else's.
                self._state([fact for fact in self._facts(event, about) if fact.target == BOUNDARY])
                return FORGOTTEN
        return self._stamped(event, about, origin)

    def _is_erased(self, before: bytes, subject: bytes, time: int) -> bool:
        """Also under the subject that it had `before` some of its ids were suppressed: under that one it was deleted."""
        return self.orders.erases(subject, time) or (before != subject and self.orders.erases(before, time))

    def _obeyed(self, about: Mentions, event: ParsedEvent, message_id: str) -> Mentions:
        """Without suppressed identifiers."""
        stated = self.orders.without_suppressed(about.stated)
        claimed = self.orders.without_suppressed(about.claimed)
        if stated is about.stated and claimed is about.claimed:  # nearly always
            return about
        return gathered(stated, claimed, alone(event, message_id), about.remarks)

    def _stamped(self, event: ParsedEvent, about: Mentions, origin: Origin) -> Stamped | Refusal:
        judged = judge(self.plans, event)
        if isinstance(judged, Refusal):
            return judged
        stored = under_source(event, judged.divert_to) if judged.divert_to else event
        stamps = self.enrichment.stamps(event, about, origin.visitor, judged.meaning)
        return Stamped(event, about, origin, stamps, stored)

    def _emit(self, stamped: Stamped, stored: ParsedEvent) -> str | Refusal:
        """`stored` has what the user's steps changed; who somebody is stands in the event as it was sent."""
        event, about = stamped.event, stamped.about
        facts = self._facts(event, about)
        whose, key = self._whose(event, about, facts)
        value = resolved_event(stored, about, stamped.origin, whose, stamped.stamps)
        if len(value) > RECORD_BYTES_MAX:
            return Refusal(
                Reason.EVENT_TOO_LARGE, f"resolved event of {len(value)} bytes, at most {RECORD_BYTES_MAX}"
            )
        self.outputs.append(
            OutputRecord(EVENTS_RESOLVED.name, partition_of(key, self.partitions), key, value)
        )
        self.commerce.add(stored, stamped.stamps, whose.subject, stamped.origin.message_id)
        if facts:
            self._state(facts)
        if about.remarks or not event.times.original or stamped.stored is not event:
            self._remark(stamped)
        return WITHHELD if is_withheld(stored.integrations) else RESOLVED

    def _remark(self, stamped: Stamped) -> None:
        event, remarks = stamped.event, stamped.about.remarks
        if not event.times.original and has_unusable_time(event.call, event.times):
            remarks = (*remarks, Remark.TIME_UNUSABLE)
        if stamped.stored is not event:
            remarks = (*remarks, Remark.DIVERTED)
        for remark in remarks:
            self.ledger.remark(event.packed.workspace, event.packed.source, event.received_at, remark)

    def _facts(self, event: ParsedEvent, about: Mentions) -> list[Fact]:
        facts = facts_of(event, about)
        return self.orders.admitted(facts) if facts and self.is_ordered else facts

    def _state(self, facts: list[Fact]) -> None:
        for fact in self.known.news(facts):
            self.facts.setdefault(partition_of(fact.node, self.partitions), []).append(fact)

    def _whose(self, event: ParsedEvent, about: Mentions, facts: list[Fact]) -> tuple[Whose, bytes]:
        """With the record's key, which is the subject's: an event's partition must not depend on a hint."""
        nodes = nodes_of(about.stated + about.claimed, self.hash_key)
        subject = nodes[0] if nodes else node_id(about.subject, self.hash_key)
        profile = self._profile(event, about, facts, subject)
        key = profile_key(subject)
        previous = self._previous_id(event) if event.call.previous_id is not None else ""
        return Whose(subject, nodes, key if profile == subject else profile_key(profile), previous), key

    def _previous_id(self, event: ParsedEvent) -> str:
        """As a user id it could be a target, also when the event's facts are told again from its row."""
        previous = person_id(text(event.call.previous_id))
        if not (previous and self.is_ordered):
            return previous
        is_suppressed = self.orders.is_suppressed(node_key(event.packed.workspace, USER, previous))
        return "" if is_suppressed else previous

    def _profile(self, event: ParsedEvent, about: Mentions, facts: list[Fact], subject: int) -> int:
        """The hint: the root, as far as it is known."""
        first = about.stated[0] if about.stated else None
        if first is not None and first.kind == ANONYMOUS:
            owner = self.known.owner_at(subject, event.times.happened, facts)
            if owner:
                return device_root(subject, owner, self.owners)
        return root(subject, self.owners)

    def _refuse(self, refusal: Refusal, sender: Sender, lineage: Lineage, payload: bytes) -> None:
        letter = dead_letter(Stage.RESOLVE, refusal, sender, lineage, payload)
        self.outputs.append(letter_record(letter, self.partitions))
        self.ledger.count(sender.workspace, sender.source, clamp(sender.received_at), DEAD)
