"""A candidate becomes a firing, refused or not: what is decided about it, once everything is known. Pure.

Of several reasons the first in the order below is told. Deliberately absent: how what is known is asked (confirm_questions.py),
and what decides later: caps, quiet hours, quotas (agent `actions`).
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from schemas.actions.action_work import Firing, Person, encode_work
from schemas.actions.actions import Action
from schemas.contacts.contact_addresses import Addresses, addresses_of
from schemas.contacts.contact_lists import CONTACT_LIST, Channel, ContactList
from schemas.control import ControlState
from schemas.events.rule_event import RuleEvent, decode_rule_event
from schemas.identity.identifiers import partition_of, profile_key
from schemas.rules.rule_candidates import Candidate, firing_id
from schemas.rules.rules import Rule, rule_key
from schemas.segments.segments import duration_ms
from schemas.stream import OutputRecord
from schemas.topics import ACTIONS_WORK

KEY = b"firing"  # of these records; the partition is chosen by hand
FIRINGS_PER_MESSAGE_MAX = 500
MESSAGE_BYTES_MAX = 500_000
FIRING_BYTES = 2_000  # what a firing is taken for beside its event, its rule and its person

RULE_GONE, EXPIRED, ABSENCE_ENDED, UNCHANGED = "rule_gone", "expired", "absence_ended", "unchanged"
NOT_IN_SEGMENT, IN_SEGMENT, TRAIT, SUPPRESSED = "not_in_segment", "in_segment", "trait", "suppressed"


class Asked(msgspec.Struct, frozen=True):
    """A candidate as it was read; `rule` as it was, in the mode of now, and its JSON. `member`: of the segment of a schedule,
    one of many."""

    candidate: Candidate
    rule: Rule
    document: bytes
    event: RuleEvent | None
    member: int = 0

    @property
    def node(self) -> int:
        """Whose firing it is; 0: nobody's."""
        return self.member or self.candidate.subject or self.candidate.person

    @property
    def id(self) -> str:
        """The same for every repetition."""
        candidate = self.candidate
        return candidate.recheck or firing_id(
            candidate.workspace, self.rule.rule, candidate.rule_version, candidate.occurrence, self.member
        )


class Known(msgspec.Struct, frozen=True):
    """What is known of whom it is for. `segments`: those of the rule's that they are in. `elsewhere`: as of a firing."""

    profile: int = 0
    person: Person = Person()
    segments: frozenset[str] = frozenset()
    has_traits: bool = True
    has_ended: bool = False
    is_unchanged: bool = False
    is_suppressed: bool = False
    elsewhere: Sequence[int] = ()


def asked(candidate: Candidate, rule: Rule, state: ControlState) -> Asked:
    """What was switched to test meanwhile sends nothing any more. Raises msgspec.DecodeError for an event that is none."""
    event = decode_rule_event(candidate.event) if candidate.event else None
    current = state.rules.get(rule_key(candidate.workspace, rule.rule))
    if current is None or current.mode == rule.mode:
        return Asked(candidate, rule, candidate.rule, event)
    switched = msgspec.structs.replace(rule, mode=current.mode)
    return Asked(candidate, switched, msgspec.json.encode(switched), event)


def refused_unasked(each: Asked, state: ControlState, now_ms: int) -> str:
    """Why nobody need be asked; "" when somebody must."""
    candidate, rule = each.candidate, each.rule
    current = state.rules.get(rule_key(candidate.workspace, rule.rule))
    if current is None or current.mode == "off":
        return RULE_GONE
    # What waits since it was confirmed is agent `actions`'s to let expire: that it waited was its wish.
    age_ms = now_ms - candidate.at
    is_late = not candidate.recheck and age_ms > duration_ms(rule.limits.expires_after)
    return EXPIRED if is_late else ""


def refused(each: Asked, known: Known) -> str:
    """Why it does not fire after all; "" when it does."""
    conditions = each.rule.conditions
    if known.has_ended:
        return ABSENCE_ENDED
    if known.is_unchanged:
        return UNCHANGED
    if not known.segments.issuperset(conditions.in_segments):
        return NOT_IN_SEGMENT
    if known.segments.intersection(conditions.not_in_segments):
        return IN_SEGMENT
    if not known.has_traits:
        return TRAIT
    return SUPPRESSED if known.is_suppressed else ""


def contacts_of(each: Asked, person: Person, channel: Channel, region: str) -> Sequence[str]:
    """The addresses that the event names, else the person's."""
    named = addresses_of(each.event, region) if each.event is not None else Addresses()
    return named.of(channel) or (person.emails if channel == "email" else person.phones)


def firing_of(each: Asked, known: Known, why: str, changed: ContactList | None, now_ms: int) -> Firing:
    """`changed`: the list that the rule's action changes."""
    candidate = each.candidate
    return Firing(
        id=each.id,
        workspace=candidate.workspace,
        rule=each.document,
        rule_version=candidate.rule_version,
        occurrence=candidate.occurrence,
        message_id=candidate.message_id,
        source=each.event.source if each.event is not None else "",
        subject=candidate.subject or each.member,
        profile=known.profile,
        at=candidate.at,
        seen_at=candidate.seen_at,
        confirmed_at=now_ms,
        event=candidate.event,
        person=known.person,
        refused=why,
        hops=candidate.hops,
        list_channel=changed.channel if changed is not None else "",
        list_kind=changed.kind if changed is not None else "",
        elsewhere=list(known.elsewhere),
    )


def list_changed(action: Action, workspace: str, state: ControlState) -> ContactList | None:
    if action.list is None:
        return None
    return state.contact_lists.get(f"{CONTACT_LIST}{workspace}/{action.list.add or action.list.remove}")


def records(firings: Iterable[tuple[Firing, int]], partitions: int) -> Iterator[OutputRecord]:
    """Each with the partition that it must go to, or -1: the person's, a rule's for nobody."""
    by_place: dict[int, list[Firing]] = {}
    for firing, home in firings:
        place = home if home >= 0 else partition_of(_key(firing), partitions)
        by_place.setdefault(place, []).append(firing)
    for place, some in sorted(by_place.items()):
        for pack in _packs(some):
            yield OutputRecord(ACTIONS_WORK.name, place, KEY, encode_work(pack))


def _key(firing: Firing) -> bytes:
    return profile_key(firing.profile) if firing.profile else firing.rule


def _packs(firings: Iterable[Firing]) -> Iterator[list[Firing]]:
    pack: list[Firing] = []
    size = 0
    for firing in firings:
        of = FIRING_BYTES + len(firing.event) + len(firing.rule)
        if pack and (size + of > MESSAGE_BYTES_MAX or len(pack) >= FIRINGS_PER_MESSAGE_MAX):
            yield pack
            pack, size = [], 0
        pack.append(firing)
        size += of
    if pack:
        yield pack
