"""Whether a known key may be used now, so, and by this page; and what is set aside of a request that may not. Pure.

A write key stands in pages, so anybody may copy it: allowed origins keep other sites' browsers from using it, and no program. A
secret key is for servers: one that a page knows is everybody's, and is refused before anybody gets used to it. A page that the
source does not know has its events kept as dead letters, since its owner may only have forgotten it.
"""

from datetime import UTC, datetime

import msgspec

from collector.rejection import Letter, Refusal, dead_letter
from schemas.events.call import decode_call
from schemas.events.pack import PackedEvent
from schemas.events.reasons import Reason
from schemas.identity.identifiers import text
from schemas.sources.origins import is_allowed
from schemas.sources.sources import Source, hash_write_key

_SECRET = Refusal(
    Reason.KEY_FOR_SERVERS,
    "this is a secret key, for servers only, and it came from a web page or in an image's address: put one of the source's "
    "write keys there, and replace the secret one, which others can read now",
)


def is_for_pages(source: Source, key: str, now: int) -> bool:
    """`now` is in ms since the epoch, here and below."""
    digest = hash_write_key(key)
    return digest not in source.secret_key_hashes and not _has_ended(source, digest, now)


def refused_key(source: Source, key: str, *, is_public: bool, now: int) -> Refusal | None:
    """`is_public`: a page sent it, or it stands in an address."""
    digest = hash_write_key(key)
    if _has_ended(source, digest, now):
        day = datetime.fromtimestamp(source.key_ends[digest] / 1_000 - 1, UTC).date()
        return Refusal(
            Reason.WRITE_KEY_ENDED,
            f"this key of source {source.id} counted until {day}: send another one of the source's keys (`stitchline "
            f"sources {source.id}` lists them)",
        )
    return _SECRET if is_public and digest in source.secret_key_hashes else None


def refused_origin(source: Source, origin: str) -> Refusal | None:
    """`origin` is "" for whatever is no page."""
    if not origin or is_allowed(origin, source.allowed_origins):
        return None
    return Refusal(
        Reason.ORIGIN_NOT_ALLOWED,
        f"source {source.id} takes nothing from pages of this origin: add it to the source's allowed_origins",
    )


def set_aside(events: list[PackedEvent], refusal: Refusal, source: Source) -> list[Letter]:
    """A dead letter for each, whole enough to be sent again by itself."""
    return [
        dead_letter(
            refusal._replace(message_id=event.message_id),
            whole(event),
            source,
            event.received_at,
        )
        for event in events
    ]


def whole(event: PackedEvent) -> bytes:
    """The event with all that its request said for it: type, message id, sending time, context.

    What is added stands last: where a name stands twice, readers take the last one.
    """
    call = decode_call(event.payload)
    added = {
        "type": b"" if text(call.type) else msgspec.json.encode(event.type),
        "messageId": b"" if text(call.message_id) else msgspec.json.encode(event.message_id),
        "sentAt": msgspec.json.encode(event.sent_at) if event.sent_at else b"",
        "context": event.context,
    }
    members = event.payload.rstrip()[:-1].rstrip()
    fields = [b'"%s":%s' % (name.encode(), value) for name, value in added.items() if value]
    start = members if members.endswith(b"{") or not fields else members + b","
    return start + b",".join(fields) + b"}"


def _has_ended(source: Source, digest: str, now: int) -> bool:
    end = source.key_ends.get(digest)
    return end is not None and now >= end
