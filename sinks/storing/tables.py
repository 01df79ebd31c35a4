"""The sinks in one table: which topic goes into which ingest table. Pure.

An ingest table keeps nothing; materialized views behind it fill the tables that are read (schemas/clickhouse/).
"""

import msgspec

from schemas.topics import (
    ACTIONS,
    ACTIONS_DELIVERIES,
    CARTS,
    CATALOGUE,
    CONTACTS,
    EVENTS_DEAD,
    EVENTS_RESOLVED,
    IDENTITY_POINTERS,
    LEDGER,
    Topic,
)
from schemas.wire.codec import DEAD_LETTER, SCHEMAS

DICTIONARIES = ("idr_owner", "idr_root", "idr_segment")  # in this order: each may read the one before


class Sink(msgspec.Struct, frozen=True, kw_only=True):
    """`dictionaries` are loaded anew after inserts, in their order. Nobody waits for what `is_unhurried` stores."""

    name: str
    topic: Topic
    table: str
    dictionaries: tuple[str, ...] = ()
    is_unhurried: bool = False

    @property
    def schema_ids(self) -> frozenset[int]:
        """Every version of the topic's schema; a record of another one does not belong here."""
        return frozenset(schema.id for schema in SCHEMAS if schema.subject == self.topic.subject)

    def group(self, prefix: str, generation: str) -> str:
        """The consumer group: one per sink and generation."""
        return f"{prefix}{generation}-sink-{self.name}"


SINKS = {
    sink.name: sink
    for sink in (
        Sink(name="events", topic=EVENTS_RESOLVED, table="events_in"),
        Sink(name="pointers", topic=IDENTITY_POINTERS, table="pointers_in", dictionaries=DICTIONARIES),
        Sink(name="dead", topic=EVENTS_DEAD, table="dead_letters_in"),
        Sink(name="carts", topic=CARTS, table="carts_in"),
        Sink(name="catalogue", topic=CATALOGUE, table="catalogue_in"),
        Sink(name="firings", topic=ACTIONS, table="firings_in"),
        Sink(name="deliveries", topic=ACTIONS_DELIVERIES, table="deliveries_in"),
        Sink(name="contacts", topic=CONTACTS, table="contacts_in"),
        Sink(name="ledger", topic=LEDGER, table="ledger_in", is_unhurried=True),
    )
}

EVENTS_TABLE = SINKS["events"].table
LETTERS_TABLE = SINKS["dead"].table
LETTERS_SCHEMA = DEAD_LETTER
