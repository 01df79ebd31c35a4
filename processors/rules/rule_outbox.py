"""What agents tell agent `rules` and agent `contacts`, packed by partition: as few messages as Kafka takes. Pure."""

from collections.abc import Iterable, Iterator

from schemas.contacts.contact_addresses import contact_key
from schemas.contacts.contact_facts import ContactFact, encode_contact_facts
from schemas.identity.identifiers import partition_of, profile_key
from schemas.rules.rule_facts import Occurrence, encode_rule_facts
from schemas.stream import OutputRecord
from schemas.topics import CONTACTS_FACTS, RULES_FACTS

MESSAGE_BYTES_MAX = 500_000  # of events in one message, of which Kafka takes about a million
FACTS_MAX = 2_000  # of contacts in one message, each a few hundred bytes at most


class RuleOutbox:
    """What one chunk says, in the order in which it was said."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._occurrences: dict[int, list[Occurrence]] = {}
        self._facts: dict[int, list[ContactFact]] = {}

    def add(self, occurrences: Iterable[Occurrence], facts: Iterable[ContactFact] = ()) -> None:
        for each in occurrences:
            place = partition_of(profile_key(each.person), self._partitions)
            self._occurrences.setdefault(place, []).append(each)
        for fact in facts:
            place = partition_of(_key(fact), self._partitions)
            self._facts.setdefault(place, []).append(fact)

    def records(self) -> Iterator[OutputRecord]:
        for place, occurrences in sorted(self._occurrences.items()):
            for some in _cut(occurrences):
                key = profile_key(some[0].person)
                yield OutputRecord(RULES_FACTS.name, place, key, encode_rule_facts(some))
        for place, facts in sorted(self._facts.items()):
            for start in range(0, len(facts), FACTS_MAX):
                part = facts[start : start + FACTS_MAX]
                yield OutputRecord(CONTACTS_FACTS.name, place, _key(part[0]), encode_contact_facts(part))


def _key(fact: ContactFact) -> bytes:
    channel = "email" if fact.channel == "email" else "phone"
    return contact_key(fact.workspace, channel, fact.address)


def _cut(occurrences: list[Occurrence]) -> Iterator[list[Occurrence]]:
    found: list[Occurrence] = []
    size = 0
    for each in occurrences:
        added = len(each.event)
        if found and size + added > MESSAGE_BYTES_MAX:
            yield found
            found, size = [], 0
        found.append(each)
        size += added
    if found:
        yield found
