"""What is withheld from the store leaves no row of any table behind the events, and nothing else is missing."""

from schemas.wire.codec import RESOLVED_EVENT
from sinks.storing.block import Block, Record
from sinks.storing.delivery import Delivery
from tests.sinks.stage import START_MS, Tables, event

OFF = '{"ClickHouse":false}'


def test_a_block_is_stored_without_what_is_withheld_and_one_of_nothing_else_not_at_all(
    clickhouse: str, database: str
) -> None:
    tables = Tables(clickhouse, database)
    values = [
        event(1, type="identify", traits='{"plan":"pro"}', integrations=OFF),
        event(2, properties=OFF),
        event(3, integrations='{"All":false}'),
    ]
    delivery = Delivery(tables.writer, "events_in", 100)
    for some in (values, values[:1], values):  # and again, as after a crash
        records = tuple(Record(offset, START_MS, value) for offset, value in enumerate(some))
        block = Block("events.resolved", 0, 0, len(some), RESOLVED_EVENT, records, ())
        assert delivery.deliver(block) == 0
    assert tables.rows("SELECT message_id FROM events ORDER BY message_id") == [("m2",), ("m3",)]
    assert tables.row("SELECT count() FROM traits") == (0,)
    assert tables.row("SELECT countIf(value = 'd1') FROM identifiers") == (0,)
    assert tables.row("SELECT count() FROM dead_letters") == (0,)
    tables.client.close()
