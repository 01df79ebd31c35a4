"""Candidates of one workspace that are asked about together: one question of each kind for all of them, none for one alone.

Deliberately absent: what is waited for before (confirmer.py), and what is decided from the answers (confirmation.py).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec
from clickhouse_connect.driver.client import Client

from schemas.actions.action_work import Firing, Person
from schemas.contacts.contact_addresses import contact_node
from schemas.control import ControlState
from schemas.rules.rules import PERSON_ZONE
from schemas.rules.suppression import channels_asked, suppressing
from schemas.values.json_values import trait_at
from sinks.confirming.confirm_history import Stated, fired_elsewhere, unchanged
from sinks.confirming.confirm_people import Someone, people, person_of, together
from sinks.confirming.confirm_questions import MEMBERS_MAX, NUMBERS_MAX, Absence, Questions
from sinks.confirming.confirmation import Asked, Known, contacts_of, firing_of, list_changed, refused
from sinks.confirming.opted_out import opted_out

Passed = tuple[Firing, int]  # with the partition that it must go to, or -1


class Manner(msgspec.Struct, frozen=True):
    """`hash_key`: of node ids. `phone_region`: of phone numbers without the code of a country. `members_max`: of a segment, who
    are asked about together."""

    nodes_max: int
    hash_key: bytes
    phone_region: str
    members_max: int = MEMBERS_MAX


class Told:
    """What is the same for a whole batch."""

    def __init__(self, state: ControlState, now_ms: int) -> None:
        self.state = state
        self.now_ms = now_ms
        self._lists: dict[bytes, frozenset[str]] = {}

    def lists(self, each: Asked) -> frozenset[str]:
        """The opt-out lists that matter to its rule."""
        document = each.candidate.rule
        if document not in self._lists:
            self._lists[document] = frozenset(suppressing(each.rule, self.state.contact_lists.values()))
        return self._lists[document]

    def passed(self, each: Asked, known: Known, why: str) -> Passed:
        changed = list_changed(each.rule.action, each.candidate.workspace, self.state)
        return firing_of(each, known, why, changed, self.now_ms), each.candidate.home


class Page:
    """As many candidates of one workspace as are asked about together."""

    def __init__(self, questions: Questions, client: Client, manner: Manner, told: Told) -> None:
        self._questions = questions
        self._client = client
        self._manner = manner
        self._told = told

    def confirmed(self, some: Sequence[Asked]) -> list[Passed]:
        profiles = self._profiles(some)
        everybody = people(self._questions, profiles, self._manner.nodes_max)
        segments = self._segments(some, everybody)
        failing = self._failing(some, profiles, everybody)
        ended = self._ended(some, profiles, everybody)
        unchanged = self._unchanged(some, profiles, everybody)
        elsewhere = self._elsewhere(some, profiles, everybody)
        persons = [
            person_of(everybody[profile], each.event, self._manner.phone_region)
            for each, profile in zip(some, profiles, strict=True)
        ]
        persons = self._in_their_zones(some, persons, everybody)
        suppressed = self._suppressed(some, persons)
        passed = []
        for place, (each, profile, person) in enumerate(zip(some, profiles, persons, strict=True)):
            known = Known(
                profile=profile,
                person=person,
                segments=frozenset(segments.get(profile, ())),
                has_traits=place not in failing,
                has_ended=place in ended,
                is_unchanged=place in unchanged,
                is_suppressed=place in suppressed,
                elsewhere=elsewhere.get(place, ()),
            )
            passed.append(self._told.passed(each, known, refused(each, known)))
        return passed

    def _profiles(self, some: Sequence[Asked]) -> list[int]:
        moments = [
            (each.node, each.candidate.at if each.candidate.subject else self._told.now_ms) for each in some
        ]
        found = self._questions.whose(moments)
        return [found[moment] for moment in moments]

    def _in_their_zones(
        self, some: Sequence[Asked], persons: Sequence[Person], everybody: dict[int, Someone]
    ) -> list[Person]:
        """Where a rule is quiet by the person's clock, and the event says nothing of a place."""
        asked = {
            int(person.profile_id, 16)
            for each, person in zip(some, persons, strict=True)
            if _needs_zone(each, person)
        }
        zones: dict[int, str] = {}
        for group in together([everybody[profile] for profile in sorted(asked)]):
            zones |= self._questions.zones(sorted({node for each in group for node in each.subjects}))
        return [
            msgspec.structs.replace(person, timezone=zones.get(int(person.profile_id, 16), ""))
            if _needs_zone(each, person)
            else person
            for each, person in zip(some, persons, strict=True)
        ]

    def _segments(self, some: Sequence[Asked], everybody: dict[int, Someone]) -> dict[int, set[str]]:
        """By profile; one that was merged since the segment was refreshed is in it as what it was."""
        conditions = [each.rule.conditions for each in some]
        names = {name for each in conditions for name in (*each.in_segments, *each.not_in_segments)}
        whose = {node: someone.profile for someone in everybody.values() for node in someone.nodes}
        found: dict[int, set[str]] = defaultdict(set)
        for node, name in self._questions.segments(list(whose), names) if names else ():
            found[whose[node]].add(name)
        return found

    def _failing(
        self, some: Sequence[Asked], profiles: Sequence[int], everybody: dict[int, Someone]
    ) -> set[int]:
        """The places of those of whom a condition on traits of their rule is not true."""
        by_rule: dict[bytes, list[int]] = defaultdict(list)
        for place, each in enumerate(some):
            if each.rule.conditions.traits:
                by_rule[each.candidate.rule].append(place)
        failing: set[int] = set()
        for places in by_rule.values():
            traits, asked = some[places[0]].rule.conditions.traits, {profiles[place] for place in places}
            passing: set[int] = set()
            for group in together([everybody[profile] for profile in sorted(asked)]):
                subjects = sorted({node for each in group for node in each.subjects})
                whose = [each.profile for each in group]
                passing |= self._questions.passing(traits, whose, subjects, self._told.now_ms)
            failing |= {place for place in places if profiles[place] not in passing}
        return failing

    def _ended(
        self, some: Sequence[Asked], profiles: Sequence[int], everybody: dict[int, Someone]
    ) -> set[int]:
        """The places of those who did after all what they were said not to have done."""
        by_rule: dict[bytes, list[Absence]] = defaultdict(list)
        selected = {}
        for place, (each, profile) in enumerate(zip(some, profiles, strict=True)):
            absence, candidate = each.rule.trigger.absence, each.candidate
            if candidate.absent_since and absence is not None:
                subjects = tuple(everybody[profile].subjects)
                by_rule[candidate.rule].append(
                    Absence(
                        place, profile, subjects, candidate.absent_since, candidate.at, candidate.message_id
                    )
                )
                selected[candidate.rule] = absence.of
        return {
            place
            for rule, absences in by_rule.items()
            for place in self._questions.ended(selected[rule], absences, self._told.now_ms)
        }

    def _unchanged(
        self, some: Sequence[Asked], profiles: Sequence[int], everybody: dict[int, Someone]
    ) -> set[int]:
        """The places of those of whom a trait did not change after all, by all that they stated before."""
        by_rule: dict[bytes, list[Stated]] = defaultdict(list)
        triggers = {}
        for place, (each, profile) in enumerate(zip(some, profiles, strict=True)):
            trigger, candidate = each.rule.trigger.trait, each.candidate
            if trigger is not None and each.event is not None:
                nodes, value = tuple(everybody[profile].subjects), trait_at(each.event.traits, trigger.name)
                stated = Stated(place, profile, nodes, candidate.at, candidate.message_id, value)
                by_rule[candidate.rule].append(stated)
                triggers[candidate.rule] = trigger
        return {
            place
            for rule, statements in by_rule.items()
            for place in unchanged(self._questions, triggers[rule], statements, self._told.now_ms)
        }

    def _elsewhere(
        self, some: Sequence[Asked], profiles: Sequence[int], everybody: dict[int, Someone]
    ) -> dict[int, list[int]]:
        """By place, when the rule fired for them while they were known as other profiles, where that counts."""
        by_rule: dict[bytes, list[int]] = defaultdict(list)
        for place, each in enumerate(some):
            if is_capped(each) and len(everybody[profiles[place]].subjects) > 1:
                by_rule[each.document].append(place)
        found: dict[int, list[int]] = {}
        for places in by_rule.values():
            rule, moments = some[places[0]].rule, dict[int, list[int]]()
            for group in together([everybody[each] for each in sorted({profiles[at] for at in places})]):
                moments |= fired_elsewhere(self._questions, rule, group, self._told.now_ms)
            found |= {place: moments[profiles[place]] for place in places if profiles[place] in moments}
        return found

    def _suppressed(self, some: Sequence[Asked], persons: Sequence[Person]) -> set[int]:
        """The places of those with a contact on a list that keeps their rule back."""
        contacts = {
            place: self._contacts(each, person)
            for place, (each, person) in enumerate(zip(some, persons, strict=True))
            if self._told.lists(each)
        }
        found = self._opted_out(node for nodes in contacts.values() for node in nodes)
        return {
            place
            for place, nodes in contacts.items()
            if any(found.get(node, set()) & self._told.lists(some[place]) for node in nodes)
        }

    def _contacts(self, each: Asked, person: Person) -> set[int]:
        workspace, manner = each.candidate.workspace, self._manner
        return {
            contact_node(workspace, channel, address, manner.hash_key)
            for channel in channels_asked(each.rule.level)
            for address in contacts_of(each, person, channel, manner.phone_region)
        }

    def _opted_out(self, nodes: Iterable[int]) -> dict[int, set[str]]:
        asked, workspace = sorted(set(nodes)), self._questions.workspace
        return {
            node: set(lists)
            for start in range(0, len(asked), NUMBERS_MAX)
            for node, lists in opted_out(self._client, workspace, asked[start : start + NUMBERS_MAX]).items()
        }


def is_capped(each: Asked) -> bool:
    """How often it fires for one person is limited."""
    return each.rule.limits.once or bool(each.rule.limits.caps)


def _needs_zone(each: Asked, person: Person) -> bool:
    quiet = each.rule.limits.quiet_hours
    return quiet is not None and quiet.timezone == PERSON_ZONE and not person.timezone
