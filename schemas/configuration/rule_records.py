"""Rules and destinations on the control topic: what `stitchline apply` writes for the entries under `rules:` and `destinations:`.

Deliberately absent: Kafka, and files (deploy/applying/configuration.py); whether what is named is there (rule_names.py).
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from schemas.actions.destinations import destination_key
from schemas.configuration.rule_reading import BadRule, read_destination, read_rule
from schemas.definitions.names import Name
from schemas.rules.rules import rule_key
from schemas.segments.segment_records import Records

RULE_BYTES_MAX = 100_000  # every firing carries its rule


class DeletedRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry that says of a rule that it shall not be."""

    rule: Name
    deleted: bool
    workspace: Name = "main"

    @property
    def key(self) -> str:
        return rule_key(self.workspace, self.rule)


class DeletedDestination(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    destination: Name
    deleted: bool
    workspace: Name = "main"

    @property
    def key(self) -> str:
        return destination_key(self.workspace, self.destination)


def rule_records(entries: Iterable[Any]) -> Records:
    """Raises BadRule."""
    return _records("rules", entries, DeletedRule, lambda entry: _stored("rule", read_rule(entry)))


def destination_records(entries: Iterable[Any]) -> Records:
    """Raises BadRule."""
    return _records(
        "destinations",
        entries,
        DeletedDestination,
        lambda entry: _stored("destination", read_destination(entry)),
    )


def _records(
    section: str,
    entries: Iterable[Any],
    deleted: type[DeletedRule | DeletedDestination],
    read: Callable[[Any], tuple[str, bytes]],
) -> Records:
    found: Records = {}
    for place, entry in enumerate(entries):
        key, document = _deleted(f"{section}[{place}]", entry, deleted) or read(entry)
        if key in found:
            kind, _, name = key.partition("/")
            raise BadRule(f"{kind} {name} stands twice under {section}: each may stand once")
        found[key] = document
    return found


def _deleted(
    place: str, entry: Any, kind: type[DeletedRule | DeletedDestination]
) -> tuple[str, bytes | None] | None:
    if not isinstance(entry, dict) or "deleted" not in entry:
        return None
    try:
        named = msgspec.convert(entry, kind)
    except msgspec.ValidationError as error:
        raise BadRule(
            f"{place}: {error}: to delete one, give its name, `deleted: true`, and no more"
        ) from None
    if not named.deleted:
        raise BadRule(f"{place}: `deleted: false` says nothing: leave it out")
    return named.key, None


def _stored(kind: str, read: Any) -> tuple[str, bytes]:
    document = msgspec.json.encode(read)
    if len(document) > RULE_BYTES_MAX:
        raise BadRule(
            f"{kind} {read.key.rpartition('/')[2]}: {len(document)} bytes as JSON, at most {RULE_BYTES_MAX}: shorten its texts"
        )
    return read.key, document
