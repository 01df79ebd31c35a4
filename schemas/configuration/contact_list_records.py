"""Contact lists, campaigns and mailers on the control topic: what `stitchline apply` writes for the entries under
`contact_lists:`, `campaigns:` and `mailers:`, and what it refuses.

A refusal says which entry, what is wrong with it, and how to mend it. Deliberately absent: Kafka, and files
(deploy/applying/configuration.py); whether a campaign that is named is there, and whether what is deleted is in use
(rule_names.py).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import msgspec

from schemas.configuration.definition_schemas import schema_of
from schemas.contacts.contact_lists import CAMPAIGN, CONTACT_LIST, MAILER, Campaign, ContactList, Mailer
from schemas.control import ControlState
from schemas.definitions.definition_shape import Shape, in_words
from schemas.definitions.names import Name
from schemas.definitions.problems import Problem, plain
from schemas.segments.segment_checks import problems_of_part
from schemas.segments.segment_records import Records

LISTS_PER_WORKSPACE_MAX: Final = 1_000  # what is kept of an address grows with them

Made = ContactList | Campaign | Mailer

_CHANNEL_OF = {"email": "email", "sms": "phone"}  # of a campaign -> of the addresses that it sends to


class BadContactList(ValueError):
    """A contact list, a campaign or a mailer cannot be used; the text says which, why, and how to mend it."""


class Section(msgspec.Struct, frozen=True):
    """`name_key`: under which an entry has its name. `problems`: what a schema cannot say."""

    name: str
    name_key: str
    struct: type[Made]
    prefix: str
    problems: Callable[[dict[str, Any]], Iterator[Problem]]


def contact_list_records(entries: Iterable[Any]) -> Records:
    """Raises BadContactList."""
    return _records(_LISTS, entries)


def campaign_records(entries: Iterable[Any]) -> Records:
    """The same."""
    return _records(_CAMPAIGNS, entries)


def mailer_records(entries: Iterable[Any]) -> Records:
    """The same."""
    return _records(_MAILERS, entries)


def refuse_unfit_lists(
    before: ControlState, after: ControlState, records: Mapping[str, bytes | None]
) -> None:
    """Raises BadContactList; `after` has the `records` in it."""
    for key, listed in sorted(after.contact_lists.items()):
        _refuse_another(before.contact_lists.get(key), listed)
        for name in listed.campaigns:
            campaign = after.campaigns.get(f"{CAMPAIGN}{listed.workspace}/{name}")
            if campaign is not None and _CHANNEL_OF[campaign.channel] != listed.channel:
                raise BadContactList(
                    f"contact list {listed.list}: campaign {name} is one by {campaign.channel}, and a list of channel "
                    f"{listed.channel} keeps nothing of it back: take it out, or make a list of the other channel"
                )
    _refuse_too_many(after, records)
    for mailer in after.mailers.values():
        _refuse_other_channel(mailer, after)


def _refuse_another(before: ContactList | None, listed: ContactList) -> None:
    """Addresses on it would mean something else."""
    for what in ("channel", "kind"):
        was, wanted = getattr(before or listed, what), getattr(listed, what)
        if was != wanted:
            raise BadContactList(
                f"contact list {listed.list}: at {what}: it is {was} and cannot become {wanted}, with those who are on it: "
                "make a list of another name"
            )


def _refuse_too_many(after: ControlState, records: Mapping[str, bytes | None]) -> None:
    if not any(key.startswith(CONTACT_LIST) for key in records):
        return
    counts: dict[str, int] = {}
    for listed in after.contact_lists.values():
        counts[listed.workspace] = counts.get(listed.workspace, 0) + 1
    for workspace, count in sorted(counts.items()):
        if count > LISTS_PER_WORKSPACE_MAX:
            raise BadContactList(
                f"{count} contact lists in workspace {workspace}, at most {LISTS_PER_WORKSPACE_MAX}: delete some with "
                "`deleted: true`"
            )


def _refuse_other_channel(mailer: Mailer, after: ControlState) -> None:
    campaign = after.campaigns.get(f"{CAMPAIGN}{mailer.workspace}/{mailer.campaign}")
    if campaign is not None and campaign.channel != mailer.channel:
        raise BadContactList(
            f"mailer {mailer.mailer}: at channel: it sends by {mailer.channel}, and its campaign {campaign.campaign} is one by "
            f"{campaign.channel}: say channel: {campaign.channel}, or name another campaign"
        )


def _of_list(document: dict[str, Any]) -> Iterator[Problem]:
    for side in ("added_by", "deleted_by"):
        for place, selection in enumerate(document.get(side, ())):
            yield from problems_of_part(selection, (side, place))
    if document.get("campaigns") and document.get("kind", "contacts") != "opt_out":
        yield Problem(
            "campaigns", "only an opt-out list is for campaigns: say kind: opt_out, or take them out"
        )


def _nothing(_: dict[str, Any]) -> Iterator[Problem]:
    return iter(())


_LISTS = Section("contact_lists", "list", ContactList, CONTACT_LIST, _of_list)
_CAMPAIGNS = Section("campaigns", "campaign", Campaign, CAMPAIGN, _nothing)
_MAILERS = Section("mailers", "mailer", Mailer, MAILER, _nothing)
_SHOWN = {"contact_lists": "contact list", "campaigns": "campaign", "mailers": "mailer"}


def _records(section: Section, entries: Iterable[Any]) -> Records:
    found: Records = {}
    for place, entry in enumerate(entries):
        key, document = _deleted(section, place, entry) or _stored(section, entry)
        if key in found:
            name = key.rpartition("/")[2]
            raise BadContactList(
                f"{_SHOWN[section.name]} {name} stands twice under {section.name}: each may stand once"
            )
        found[key] = document
    return found


def _stored(section: Section, entry: Any) -> tuple[str, bytes]:
    read, problems = plain(entry)
    problems = problems or list(_shape(section.struct).problems(read)) or list(section.problems(read))
    if problems:
        told = in_words(section.name_key, entry, problems)
        raise BadContactList(_SHOWN[section.name] + told.removeprefix(section.name_key))
    made = msgspec.convert(read, section.struct)
    return made.key, msgspec.json.encode(made)


def _deleted(section: Section, place: int, entry: Any) -> tuple[str, None] | None:
    if not isinstance(entry, dict) or "deleted" not in entry:
        return None
    try:
        name = msgspec.convert(entry.get(section.name_key), Name)
        workspace = msgspec.convert(entry.get("workspace", "main"), Name)
    except msgspec.ValidationError:
        name = workspace = ""
    if not name or entry.keys() - {section.name_key, "workspace", "deleted"} or entry["deleted"] is not True:
        raise BadContactList(
            f"{section.name}[{place}]: to delete one, give its name under {section.name_key}, `deleted: true`, and no more"
        )
    return f"{section.prefix}{workspace}/{name}", None


@cache
def _shape(struct: type[Made]) -> Shape:
    return Shape(schema_of(struct))
