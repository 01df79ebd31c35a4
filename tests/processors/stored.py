"""A visit as ClickHouse would have it."""

from processors.events.mentions import mentions
from processors.events.parsed import ParsedEvent, parse
from processors.identity.stored import StoredEvent, StoredId
from schemas.identity.identifiers import node_id
from tests.processors.driver import HASH_KEY, call_of, packed
from tests.processors.oracle import Visit


def stored(visit: Visit) -> StoredEvent:
    """The visit as ClickHouse would have it."""
    event = parse(packed(call_of(visit)))
    assert isinstance(event, ParsedEvent)
    about = mentions(event, visit.id)
    assert about is not None
    return StoredEvent(
        workspace="main",
        source="shop",
        message_id=visit.id,
        type=event.packed.type,
        event=str(event.call.event) if event.packed.type == "track" else "",
        time=event.times.happened,
        previous_id=visit.previous,
        identifiers=tuple(
            StoredId(node_id(each.node, HASH_KEY), each.kind, each.value, claimed)
            for claimed, ids in ((False, about.stated), (True, about.claimed))
            for each in ids
        ),
    )
