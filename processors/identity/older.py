"""An event that was stored before events kept their identifiers: read once more from what the client sent.

Whether its source took unsigned links then is not stored. They are taken as if it did; whoever compares the result with the
pointers notices where that is wrong.
"""

import msgspec

from processors.events.mentions import mentions
from processors.events.parsed import Refusal, parse
from processors.identity.stored import StoredEvent, StoredId
from schemas.events.pack import PackedEvent
from schemas.identity.identifiers import node_id


class OlderRow(msgspec.Struct, frozen=True, kw_only=True):
    """Columns of the table `events`; `time` is in ms since the epoch. `context` may be the batch's, which the envelope lacks."""

    workspace: str
    source: str
    message_id: str
    type: str
    event: str
    time: int
    previous_id: str
    context: str
    envelope: str


def read_again(row: OlderRow, hash_key: bytes) -> StoredEvent | None:
    """None for what cannot be read or names nobody."""
    event = parse(
        PackedEvent(
            workspace=row.workspace,
            source=row.source,
            routing=b"",
            type=row.type,
            message_id=row.message_id,
            received_at=row.time,
            sent_at="",
            context=row.context.encode(),
            payload=row.envelope.encode(),
            unsigned_links=True,
        )
    )
    about = None if isinstance(event, Refusal) else mentions(event, row.message_id)
    if about is None:
        return None
    return StoredEvent(
        workspace=row.workspace,
        source=row.source,
        message_id=row.message_id,
        type=row.type,
        event=row.event,
        time=row.time,
        previous_id=row.previous_id,
        identifiers=tuple(
            StoredId(node_id(each.node, hash_key), each.kind, each.value, claimed)
            for claimed, ids in ((False, about.stated), (True, about.claimed))
            for each in ids
        ),
    )
