"""What agent `rules` sends: candidates, made of a rule and of what it fires on, by person."""

from processors.rules_now import Known
from schemas.identifiers import partition_of, profile_key
from schemas.rule_candidates import VERSION, Candidate, encode_rule_candidate
from schemas.rule_facts import Occurrence
from schemas.stream import OutputRecord
from schemas.topics import RULES_CANDIDATES


class Outbox:
    """Of one chunk. `records` in the order in which they were added."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self.records: list[OutputRecord] = []

    def fires(self, known: Known, occurrence: Occurrence) -> None:
        """At once."""
        self._add(
            profile_key(occurrence.person),
            Candidate(
                version=VERSION,
                workspace=occurrence.workspace,
                rule=known.document,
                rule_version=known.version,
                occurrence=occurrence.id,
                person=occurrence.person,
                subject=occurrence.subject,
                at=occurrence.time,
                seen_at=occurrence.seen_at,
                event=occurrence.event,
                message_id=occurrence.message_id,
                hops=occurrence.hops,
            ),
        )

    def _add(self, key: bytes, candidate: Candidate) -> None:
        place = partition_of(key, self._partitions)
        self.records.append(OutputRecord(RULES_CANDIDATES.name, place, key, encode_rule_candidate(candidate)))
