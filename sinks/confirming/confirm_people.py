"""Who the people are that rules fire for: their nodes, what they are called, and their traits; of many at once.

A profile's nodes are those whose pointers lead to it, over any number of hops, and the contested devices that were theirs for a
while: as the console finds one person's (console/people.py). Values are as rows have them; `person_of` makes of them what
templates know as `profile`.
"""

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote

import msgspec

from schemas.actions.action_work import Person
from schemas.contacts.contact_addresses import PHONE_TYPE, address_or_none
from schemas.events.rule_event import RuleEvent
from schemas.identity.identifiers import ANONYMOUS, EMAIL, EXTERNAL, USER, profile_id
from sinks.confirming.confirm_questions import NUMBERS_MAX, Questions

ROUNDS_MAX = 64  # chains of aliases reach 16; an unforeseen ring must end
NULL = "null"


class Someone(msgspec.Struct):
    """`nodes`: the profile's own first, then those led to it. `loose`: contested devices of theirs, and some that are nobody's
    any more. `names`: (kind, value, node). `traits`: JSON by name, unset ones left out."""

    profile: int
    nodes: list[int]
    loose: set[int] = msgspec.field(default_factory=set)
    names: list[tuple[str, str, int]] = msgspec.field(default_factory=list)
    traits: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def subjects(self) -> list[int]:
        """Under which there may be something of theirs."""
        return [*self.nodes, *sorted(self.loose)]


def people(questions: Questions, profiles: Iterable[int], nodes_max: int) -> dict[int, Someone]:
    """By profile. Raises what the client raises."""
    found = {profile: Someone(profile, [profile]) for profile in sorted(set(profiles))}
    _gather(questions, found, nodes_max)
    for some in together(list(found.values())):
        _name(questions, some)
        _tell(questions, some)
    return found


def _gather(questions: Questions, found: dict[int, Someone], nodes_max: int) -> None:
    belongs = {profile: profile for profile in found}
    frontier = list(found)
    for _ in range(ROUNDS_MAX):
        if not frontier:
            return
        rows, frontier = questions.named(frontier), []
        for owner, node, is_led, root in rows:
            someone = found.get(root if is_led else belongs[owner])
            if someone is None or len(someone.nodes) + len(someone.loose) >= nodes_max:
                continue
            if not is_led:
                someone.loose.add(node)
            elif node not in belongs:
                belongs[node] = root
                someone.nodes.append(node)
                frontier.append(node)


def _name(questions: Questions, some: Sequence[Someone]) -> None:
    whose = {node: each for each in some for node in each.nodes}
    for node, kind, value in questions.names(list(whose)):
        whose[node].names.append((kind, value, node))


def _tell(questions: Questions, some: Sequence[Someone]) -> None:
    by_profile = {each.profile: each for each in some}
    subjects = sorted({node for each in some for node in each.subjects})
    for profile, name, value in questions.traits(subjects):
        if profile in by_profile and value != NULL:  # others are those whom a device was of at another time
            by_profile[profile].traits[name] = value


def together(everybody: Sequence[Someone]) -> Iterator[list[Someone]]:
    """As many at once as one question takes: what is asked of one person is asked in one."""
    some: list[Someone] = []
    nodes = 0
    for each in everybody:
        if some and nodes + len(each.subjects) > NUMBERS_MAX:
            yield some
            some, nodes = [], 0
        some.append(each)
        nodes += len(each.subjects)
    if some:
        yield some


def person_of(someone: Someone, event: RuleEvent | None, region: str) -> Person:
    """The address that a trait states comes first. `region`: of phone numbers without the code of a country."""
    traits = {name: msgspec.json.decode(value) for name, value in someone.traits.items()}
    emails = _first(address_or_none("email", traits.get("email")), _values(someone, EMAIL))
    stated = [address_or_none("phone", value, region) for value in _external(someone, PHONE_TYPE)]
    phones = _first(address_or_none("phone", traits.get("phone"), region), sorted(stated))
    anonymous = event.anonymous_id if event is not None else ""
    return Person(
        profile_id=profile_id(someone.profile),
        user_id=max(
            (value for kind, value, node in someone.names if kind == USER and node == someone.profile),
            default="",
        ),
        anonymous_id=anonymous or next(iter(_values(someone, ANONYMOUS)), ""),
        email=next(iter(emails), ""),
        phone=next(iter(phones), ""),
        emails=emails,
        phones=phones,
        traits=traits,
        timezone=str(event.place.get("timezone", "")) if event is not None else "",
    )


def _first(one: str, others: Iterable[str]) -> list[str]:
    return [each for each in dict.fromkeys((one, *others)) if each]


def _values(someone: Someone, wanted: str) -> list[str]:
    return sorted(value for kind, value, _ in someone.names if kind == wanted)


def _external(someone: Someone, wanted: str) -> Iterator[str]:
    for value in _values(someone, EXTERNAL):
        kind, _, number = value.partition(":")
        if unquote(kind) == wanted:
            yield number
