"""The difference that an apply makes: what is added, changed and deleted, with versions, and what stays.

A version is a hash of what a document means, where its kind has one, else of the document. Documents have no secrets, and are
not shown all the same: their keys, versions and the names of what differs say enough.
"""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, Final, Literal

import msgspec

from schemas.configuration.roles import needed
from schemas.control import ControlState
from schemas.rules.rules import version_of as rule_version
from schemas.segments.segment_tree import BadSegment
from schemas.segments.segment_tree import version_of as segment_version
from schemas.values.json_values import UNREADABLE

What = Literal["added", "changed", "deleted", "unchanged"]
ORDER: Final[tuple[What, ...]] = ("added", "changed", "deleted", "unchanged")


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`fields`: of a changed document, the names at its top whose values differ. `implied`: a default action of a destination.
    `role`: what it takes to apply it (roles.py), "" where nothing is written. `unreadable`: why what stood there is none."""

    what: What
    key: str
    before: str = ""
    after: str = ""
    fields: list[str] = []
    implied: bool = False
    role: str = ""
    unreadable: str = ""


def differences(
    before: ControlState, after: ControlState, records: Mapping[str, bytes | None]
) -> list[Change]:
    """Of the `records`, by key; of the rules that destinations imply; and what else stands there that cannot be read."""
    written = [_difference(key, before, after) for key in sorted(records)]
    broken = [_difference(key, before, after) for key in sorted(before.unreadable.keys() - records.keys())]
    return [*written, *_implied(before, after), *broken]


def version(key: str, state: ControlState) -> str:
    """ "" when there is no such document."""
    if key in state.rules and key not in state.unreadable:
        return rule_version(state.rules[key])
    document = state.documents.get(key)
    if document is None:
        return ""
    if key in state.segments and key not in state.unreadable:
        try:
            return segment_version(state.segments[key], state.segments)
        except BadSegment:
            pass  # broken by another one: by its own words then
    return blake2b(document, digest_size=8).hexdigest()


def _difference(key: str, before: ControlState, after: ControlState) -> Change:
    old, new = before.documents.get(key), after.documents.get(key)
    what: What = "unchanged"
    if old != new:
        what = "added" if old is None else "deleted" if new is None else "changed"
    return Change(
        what=what,
        key=key,
        before=version(key, before),
        after=version(key, after),
        fields=_fields(old, new) if what == "changed" else [],
        role=needed(key, before, after) if what != "unchanged" else "",
        unreadable=before.unreadable.get(key, ""),
    )


def _fields(old: bytes | None, new: bytes | None) -> list[str]:
    left, right = (_mapping(document) for document in (old, new))
    return sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))


def _mapping(document: bytes | None) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(document) if document else {}
    except UNREADABLE:
        return {}
    return found if isinstance(found, dict) else {}


def _implied(before: ControlState, after: ControlState) -> Iterator[Change]:
    for key in sorted(before.rules.keys() | after.rules.keys()):
        if key in before.written_rules or key in after.written_rules:
            continue
        old, new = version(key, before), version(key, after)
        if old != new:
            what: What = "added" if not old else "deleted" if not new else "changed"
            yield Change(what=what, key=key, before=old, after=new, implied=True)
