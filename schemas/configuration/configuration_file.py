"""What a configuration file says: its sections as they are written, and the control records of the plainest of them.

Sections that take more checking are read by modules of their own, which get their entries from here. Pure.
"""

from typing import Any

import msgspec

from schemas.access.key_characters import refuse_odd_keys
from schemas.access.server_keys import SERVER_KEY, ServerKey, ServerKeyInput
from schemas.control import PLAN, SOURCE
from schemas.definitions.names import Name
from schemas.sources.origins import refuse_bad_origins
from schemas.sources.plans import PlanInput, stored_plan
from schemas.sources.sources import SourceInput, hash_write_key, stored_source


class BlockedInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry under `blocked_ids:`; which texts are identifiers is deploy/identifiers/ids.py's to say."""

    ids: list[str]
    workspace: Name = "main"


class ConfigurationFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    sources: list[SourceInput] = []
    plans: list[PlanInput] = []
    server_keys: list[ServerKeyInput] = []
    blocked_ids: list[BlockedInput] = []
    segments: list[Any] = []  # read by segment_records.py
    pixel_events: list[Any] = []  # read by pixel_event_records.py
    webhooks: list[Any] = []  # read by webhooks.py
    rules: list[Any] = []  # read by rule_records.py
    destinations: list[Any] = []  # read by rule_records.py
    contact_lists: list[Any] = []  # these three are read by contact_list_records.py
    campaigns: list[Any] = []
    mailers: list[Any] = []


def parse_file(document: Any) -> dict[str, bytes]:
    """Control records (key -> JSON) of a configuration file's content.

    Raises msgspec.ValidationError naming the place, or ValueError when two sources share an id or a write key, or a plan
    contradicts itself.
    """
    parsed = msgspec.convert({} if document is None else document, ConfigurationFile)
    _refuse_twice("source id", [(entry.id, entry.id) for entry in parsed.sources])
    for entry in parsed.sources:
        refuse_bad_origins(entry.id, entry.allowed_origins)
        refuse_odd_keys(entry.id, entry.all_keys())
    _refuse_twice("write key", [(key, entry.id) for entry in parsed.sources for key in entry.all_keys()])
    _refuse_twice("plan", [(entry.source, entry.source) for entry in parsed.plans])
    _refuse_twice_of_servers(parsed)
    sources = {f"{SOURCE}{entry.id}": msgspec.json.encode(stored_source(entry)) for entry in parsed.sources}
    plans = {f"{PLAN}{entry.source}": stored_plan(entry) for entry in parsed.plans}
    return (
        sources
        | plans
        | {f"{SERVER_KEY}{entry.id}": _stored_server_key(entry) for entry in parsed.server_keys}
    )


def blocked_in(document: Any) -> list[tuple[str, str]]:
    """(workspace, identifier as it is typed) of a configuration file's content. Raises as `parse_file` does."""
    parsed = msgspec.convert({} if document is None else document, ConfigurationFile)
    return [(entry.workspace, text) for entry in parsed.blocked_ids for text in entry.ids]


def section(document: Any, name: str) -> list[Any]:
    """The entries under `name:` of a configuration file's content, as they are written. Raises as `parse_file` does."""
    parsed = msgspec.convert({} if document is None else document, ConfigurationFile)
    entries: list[Any] = getattr(parsed, name)
    return entries


def _stored_server_key(entry: ServerKeyInput) -> bytes:
    return msgspec.json.encode(
        ServerKey(
            id=entry.id,
            workspace=entry.workspace,
            key_hashes=[hash_write_key(key) for key in entry.keys],
            requests_per_s_max=entry.requests_per_s_max,
        )
    )


def _refuse_twice_of_servers(parsed: ConfigurationFile) -> None:
    _refuse_twice("server key id", [(entry.id, entry.id) for entry in parsed.server_keys])
    keys = [(key, entry.id) for entry in parsed.server_keys for key in entry.keys]
    public = [(key, entry.id) for entry in parsed.sources for key in set(entry.all_keys())]
    _refuse_twice("server key", [*keys, *public])


def _refuse_twice(what: str, given: list[tuple[str, str]]) -> None:
    """`given` has (name, source id); a write key is a secret, so the text names the sources only."""
    values = [value for value, _ in given]
    sources = sorted({source for value, source in given if values.count(value) > 1})
    if sources:
        raise ValueError(f"{what} given twice, in {', '.join(sources)}: each may stand once")
