"""What agent `rules` sends: candidates, made of a rule and of what it fires on, by person."""

from processors.rules.rule_absences import Wait
from processors.rules.rules_now import Known
from schemas.identity.identifiers import partition_of, profile_key
from schemas.rules.rule_candidates import VERSION, Candidate, encode_rule_candidate
from schemas.rules.rule_facts import Occurrence
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

    def absent(self, known: Known, wait: Wait) -> None:
        """What was waited for did not come, as far as is known of this person."""
        self._add(
            profile_key(wait.person),
            Candidate(
                version=VERSION,
                workspace=wait.name.workspace,
                rule=known.document,
                rule_version=known.version,
                occurrence=wait.occurrence,
                person=wait.person,
                subject=wait.subject,
                at=wait.due_at,
                seen_at=max(wait.due_at, wait.seen_at),
                event=wait.event,
                message_id=wait.message_id,
                absent_since=wait.started,
                hops=wait.hops,
            ),
        )

    def scheduled(self, known: Known, at: int, now: int) -> None:
        """For nobody yet."""
        self._add(
            known.rule.key.encode(),
            Candidate(
                version=VERSION,
                workspace=known.rule.workspace,
                rule=known.document,
                rule_version=known.version,
                occurrence=f"schedule-{at}",
                person=0,
                subject=0,
                at=at,
                seen_at=now,
                event=b"",
                message_id="",
            ),
        )

    def _add(self, key: bytes, candidate: Candidate) -> None:
        place = partition_of(key, self._partitions)
        self.records.append(OutputRecord(RULES_CANDIDATES.name, place, key, encode_rule_candidate(candidate)))
