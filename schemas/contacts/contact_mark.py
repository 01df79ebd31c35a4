"""`Contact Added` and `Contact Deleted`: what they say, and how one of ours is told from one that a client made up. Pure.

The mark of a genuine event is its message id: a hash under the deployment's secret key of all that the event says. Nobody can
make one for another list, address, change or time. One that is copied whole is a duplicate, since an event with a further
identifier, which would be looked at elsewhere, is not genuine either.
"""

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

import msgspec

from schemas.contacts.contact_addresses import EMAIL_CHANNEL, PHONE_TYPE
from schemas.contacts.contact_facts import ADDED, DELETED
from schemas.events.rule_event import RuleEvent
from schemas.identity.identifiers import external_ids

CONTACT_ADDED, CONTACT_DELETED = "Contact Added", "Contact Deleted"
EVENTS: Final = {ADDED: CONTACT_ADDED, DELETED: CONTACT_DELETED}
ID_PREFIX = "contact-"
ID_BYTES = 16
_PURPOSE = b"contact changed"  # so that no other keyed hash of the deployment is one of these

_PROPERTIES = ("list", "list_kind", "channel", "mailer", "origin")


class ContactChange(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """All that such an event says. `time` in ms."""

    workspace: str
    list: str
    list_kind: str
    channel: str
    address: str
    change: str
    time: int
    mailer: str
    origin: str

    @property
    def properties(self) -> dict[str, str]:
        """Of the event."""
        return {name: getattr(self, name) for name in _PROPERTIES}


def message_id_of(change: ContactChange, hash_key: bytes) -> str:
    digest = blake2b(msgspec.msgpack.encode(change), digest_size=ID_BYTES, key=hash_key, person=_PURPOSE)
    return ID_PREFIX + digest.hexdigest()


def change_of(event: RuleEvent, workspace: str, hash_key: bytes) -> ContactChange | None:
    """What a genuine event says; None for every other, whatever it is called."""
    if event.type != "track" or not event.message_id.startswith(ID_PREFIX):
        return None
    change = next((change for change, name in EVENTS.items() if name == event.event), None)
    texts = {name: said for name in _PROPERTIES if isinstance(said := event.properties.get(name), str)}
    if change is None or event.anonymous_id or event.user_id or len(texts) < len(_PROPERTIES):
        return None
    address, time = _only_address(event, texts["channel"]), _ms_of(event.timestamp)
    if not address or time is None:
        return None
    found = ContactChange(workspace=workspace, address=address, change=change, time=time, **texts)
    return found if message_id_of(found, hash_key) == event.message_id else None


def _only_address(event: RuleEvent, channel: Any) -> str:
    """The event's one identifier, "" where it has none, or more."""
    traits, numbers = event.context.get("traits"), external_ids(event.context)
    email = traits.get("email") if isinstance(traits, dict) else None
    if channel == EMAIL_CHANNEL:
        return email if isinstance(email, str) and not numbers else ""
    is_one = len(numbers) == 1 and numbers[0][0] == PHONE_TYPE and not traits
    return numbers[0][1] if is_one else ""


def _ms_of(timestamp: str) -> int | None:
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
