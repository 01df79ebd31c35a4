"""What the `control` topic says: one JSON document per key `kind/id`, the newest one counts, null deletes it.

Pure: `ControlState.updated` takes records. What a configuration file says becomes records in configuration_file.py. Kinds so
far: `source` (sources.py), `plan` (plans.py), `segment` (segments.py), `server_key` (server_keys.py), `pixel_event`
(pixel_events.py), `webhook` (webhooks.py), `rule` (rules.py), `destination` (destinations.py), `contact_list`, `campaign`
and `mailer` (contact_lists.py). A document of an unknown kind is kept and ignored, so that an older process lives
beside a newer configuration.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from schemas.access.server_keys import SERVER_KEY, ServerKey, decode_server_key
from schemas.actions.destinations import DESTINATION, Destination
from schemas.contacts.contact_lists import (
    CAMPAIGN,
    CONTACT_LIST,
    MAILER,
    Campaign,
    ContactList,
    Mailer,
    decode_campaign,
    decode_contact_list,
    decode_mailer,
)
from schemas.pixel.pixel_events import PREFIX as _PIXEL_EVENT
from schemas.pixel.pixel_events import PixelEvent, decode_pixel_event
from schemas.rules.default_actions import decode_usable, implied_rules
from schemas.rules.rules import RULE, Rule, decode_rule
from schemas.segments.segment_tree import KEY_PREFIX as _SEGMENT
from schemas.segments.segments import Segment
from schemas.sources.plans import Plan, decode_plan
from schemas.sources.quotas import STOP, QuotaStop, decode_quota_stop
from schemas.sources.sources import Source, hash_write_key
from schemas.sources.webhooks import WEBHOOK as _WEBHOOK
from schemas.sources.webhooks import Webhook, decode_webhook, webhook_key
from schemas.values.json_values import UNREADABLE

Record = tuple[str, bytes | None]  # key and document; None deletes

SOURCE, PLAN = "source/", "plan/"


class ControlState:
    """All documents as of one moment; never changed, so any thread may read it. `updated` makes the next one.

    The last record of a key decides, as in the compacted topic. `documents` has all of them, as they stand on the topic.
    `unreadable`: those that cannot be read, by key, and why. What such a key said before holds until it is written anew or
    deleted, as long as the process that read it runs.
    """

    def __init__(self, documents: Mapping[str, bytes | None] | None = None) -> None:
        self.documents: dict[str, bytes] = {}
        self.unreadable: dict[str, str] = {}
        self._sources: dict[str, Source] = {}
        self._by_key_hash: dict[str, Source] = {}
        self._by_key: dict[str, Source] = {}  # of those, what was asked for
        self._by_server_key_hash: dict[str, ServerKey] = {}
        self.server_keys: dict[str, ServerKey] = {}  # by key, as plans
        self.plans: dict[str, Plan] = {}  # by key; the same object as long as nobody writes it anew
        self.segments: dict[str, Segment] = {}  # by key, as segment_tree.py takes them
        self._pixel_events: dict[str, PixelEvent] = {}
        self.quota_stops: dict[str, QuotaStop] = {}  # by key
        self.pixel_events: dict[str, tuple[PixelEvent, ...]] = {}  # by source id, in the order of their names
        self.webhooks: dict[str, Webhook] = {}  # by key; the same object as long as nobody writes it anew
        # What rules are made of, each by key; the same object as long as nobody writes it anew.
        self.written_rules: dict[str, Rule] = {}
        self.rules: dict[str, Rule] = {}  # with those that destinations imply (default_actions.py)
        self._implied: dict[str, tuple[Destination, list[Rule]]] = {}  # by the key of the destination
        self.destinations: dict[str, Destination] = {}
        self.contact_lists: dict[str, ContactList] = {}
        self.campaigns: dict[str, Campaign] = {}
        self.mailers: dict[str, Mailer] = {}
        self._take((documents or {}).items())

    def updated(self, records: Iterable[Record]) -> "ControlState":
        new = ControlState()
        new.documents, new.unreadable = self.documents.copy(), self.unreadable.copy()
        new._sources, new.plans = self._sources.copy(), self.plans.copy()
        new.segments, new._pixel_events = self.segments.copy(), self._pixel_events.copy()
        new.server_keys, new.webhooks = self.server_keys.copy(), self.webhooks.copy()
        new.quota_stops = self.quota_stops.copy()
        new.written_rules, new.destinations = self.written_rules.copy(), self.destinations.copy()
        new._implied = self._implied
        new.contact_lists, new.campaigns = self.contact_lists.copy(), self.campaigns.copy()
        new.mailers = self.mailers.copy()
        new._take(records)
        return new

    def source_of(self, write_key: str) -> Source | None:
        """The source that has this write key, if any."""
        source = self._by_key.get(write_key)
        if source is None and (source := self._by_key_hash.get(hash_write_key(write_key))):
            self._by_key[write_key] = source
        return source

    def server_key_of(self, key: str) -> ServerKey | None:
        """Whose key this is, if anybody's."""
        return self._by_server_key_hash.get(hash_write_key(key))

    def webhook(self, webhook_id: str) -> Webhook | None:
        return self.webhooks.get(webhook_key(webhook_id))

    def source(self, source_id: str) -> Source | None:
        return self._sources.get(f"{SOURCE}{source_id}")

    @property
    def sources(self) -> list[Source]:
        return sorted(self._sources.values(), key=lambda source: source.id)

    def _take(self, records: Iterable[Record]) -> None:
        for key, value in records:
            try:
                self._take_one(key, value)
            except UNREADABLE as error:
                self.unreadable[key] = str(error)
        self._by_key_hash = {digest: source for source in self.sources for digest in source.key_hashes}
        self._by_key = {}
        self._by_server_key_hash = {
            digest: key for _, key in sorted(self.server_keys.items()) for digest in key.key_hashes
        }
        self.pixel_events = _by_source(self._pixel_events)
        self._imply()

    def _imply(self) -> None:
        """A destination that nobody wrote anew implies the same objects as before."""
        before, self._implied = self._implied, {}
        for key, destination in self.destinations.items():
            known = before.get(key)
            is_known = known is not None and known[0] is destination
            self._implied[key] = known if known and is_known else (destination, implied_rules(destination))
        implied = {rule.key: rule for _, rules in self._implied.values() for rule in rules}
        self.rules = implied | self.written_rules

    def _take_one(self, key: str, value: bytes | None) -> None:
        if value is None:
            self.documents.pop(key, None)
        else:
            self.documents[key] = value
        for prefix, known, decode in self._kinds:
            if not key.startswith(prefix):
                continue
            if value is None:
                known.pop(key, None)
            else:
                known[key] = decode(value)
        self.unreadable.pop(key, None)

    @property
    def _kinds(self) -> tuple[tuple[str, dict[str, Any], Callable[[bytes], Any]], ...]:
        """What keys begin with, where their documents are kept, and how they are read."""
        return (
            (SOURCE, self._sources, _decode_source),
            (PLAN, self.plans, decode_plan),
            (_SEGMENT, self.segments, _decode_segment),
            (SERVER_KEY, self.server_keys, decode_server_key),
            (_WEBHOOK, self.webhooks, decode_webhook),
            (_PIXEL_EVENT, self._pixel_events, decode_pixel_event),
            (STOP, self.quota_stops, decode_quota_stop),
            (RULE, self.written_rules, decode_rule),
            (DESTINATION, self.destinations, decode_usable),
            (CONTACT_LIST, self.contact_lists, decode_contact_list),
            (CAMPAIGN, self.campaigns, decode_campaign),
            (MAILER, self.mailers, decode_mailer),
        )


def _by_source(definitions: Mapping[str, PixelEvent]) -> dict[str, tuple[PixelEvent, ...]]:
    found: dict[str, list[PixelEvent]] = {}
    for _, definition in sorted(definitions.items()):
        found.setdefault(definition.source, []).append(definition)
    return {source: tuple(each) for source, each in found.items()}


def refuse_taken_keys(state: ControlState, records: Mapping[str, bytes | None]) -> None:
    """Raises ValueError when `records` give a source a write key of another one that they do not redefine, or make one text a
    write key, which stands in pages, and a server key, which reads people's data.

    A source's events would silently move to the new one, and perhaps to another workspace.
    """
    wanted = ControlState().updated(records.items())
    kept = ControlState({key: value for key, value in state.documents.items() if key not in records})
    owners = {digest: f"source {source.id}" for source in kept.sources for digest in source.key_hashes}
    readers = {
        digest: f"server key {key.id}" for key in kept.server_keys.values() for digest in key.key_hashes
    }
    for source in wanted.sources:
        _refuse_taken(f"source {source.id} is given a write key", source.key_hashes, owners | readers)
    for key in wanted.server_keys.values():
        _refuse_taken(f"server key {key.id} is given a key", key.key_hashes, owners | readers)


def _refuse_taken(what: str, digests: Iterable[str], owners: Mapping[str, str]) -> None:
    for digest in digests:
        if owner := owners.get(digest):
            raise ValueError(
                f"{what} that belongs to {owner} already: choose another key, or give {owner.rpartition(' ')[2]} other keys in "
                "the same file"
            )


_decode_source = msgspec.json.Decoder(Source).decode
_decode_segment = msgspec.json.Decoder(Segment).decode
