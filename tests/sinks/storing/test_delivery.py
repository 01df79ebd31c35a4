"""No record stops its neighbours, none vanishes, and the same block always takes the same way."""

import io
import struct

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events.reasons import Reason
from schemas.wire.codec import LEDGER_ENTRY, UnknownSchema, body_of, encode_ledger_entry
from sinks.storing.block import Block, Record, RefusedRecord
from sinks.storing.delivery import Delivery
from sinks.storing.failure import Refused, TooManyRefused, Unavailable
from sinks.storing.rows import Rows
from sinks.storing.tables import LETTERS_TABLE

UNKNOWN = 49  # LOGICAL_ERROR: no list of sinks/storing/failure.py names it


class Table:
    """A ClickHouse that keeps rows by token, and refuses what it cannot read or what is poison to it."""

    def __init__(self, code: int = 117) -> None:
        self.code = code  # of the error about poison
        self.inserted: dict[tuple[str, str], list[dict[str, object]]] = {}
        self.calls: list[tuple[str, str]] = []

    def insert(self, table: str, rows: Rows, token: str) -> None:
        self.calls.append((table, token))
        try:
            found = [dict(row) for row in fastavro.reader(io.BytesIO(rows.data)) if isinstance(row, dict)]
        except (EOFError, ValueError, IndexError, OverflowError, struct.error, UnicodeDecodeError) as error:
            raise Refused(1001, str(error)) from error
        if any(row.get("outcome") == "poison" for row in found):
            raise Refused(self.code, "poison")
        self.inserted.setdefault((table, token), found)

    def rows(self, table: str) -> list[dict[str, object]]:
        return [row for (name, _), rows in self.inserted.items() if name == table for row in rows]


def entry(events: int, outcome: str = "accepted") -> bytes:
    return encode_ledger_entry(
        {"workspace": "w", "source": "s", "stage": "x", "minute": 0, "outcome": outcome, "events": events}
    )


def block_of(*values: bytes, refused: tuple[RefusedRecord, ...] = ()) -> Block:
    records = tuple(Record(offset, 5, value) for offset, value in enumerate(values))
    return Block("ledger", 2, 0, len(values), LEDGER_ENTRY, records, refused)


def delivery(table: Table, refused_records_max: int = 100) -> Delivery:
    return Delivery(table, "ledger_in", refused_records_max)


def test_a_good_block_is_one_insert_under_its_token() -> None:
    table = Table()
    assert delivery(table).deliver(block_of(entry(1), entry(2))) == 0
    assert table.calls == [("ledger_in", "ledger-2-0-2")]


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_every_bad_row_becomes_a_letter_and_every_good_row_is_stored(bad: list[bool]) -> None:
    table = Table()
    values = [entry(number, "poison" if is_bad else "accepted") for number, is_bad in enumerate(bad)]
    assert delivery(table).deliver(block_of(*values)) == sum(bad)
    stored = [row["events"] for row in table.rows("ledger_in")]
    assert stored == [number for number, is_bad in enumerate(bad) if not is_bad]
    letters = table.rows(LETTERS_TABLE)
    assert [letter["payload"] for letter in letters] == [
        value for value, is_bad in zip(values, bad, strict=True) if is_bad
    ]
    assert all(letter["reason"] == "refused_row" and letter["stage"] == "sink" for letter in letters)


@pytest.mark.parametrize("damage", [b"", b"\xff" * 40, b"\x80\x80\x80\x80\x80\x80\x80\x80\x7fabc"])
def test_a_body_that_is_no_avro_does_not_take_its_neighbours_with_it(damage: bytes) -> None:
    table = Table()
    broken = entry(0)[:5] + damage
    assert delivery(table).deliver(block_of(entry(1), broken, entry(3))) == 1
    assert [row["events"] for row in table.rows("ledger_in")] == [1, 3]
    assert [letter["payload"] for letter in table.rows(LETTERS_TABLE)] == [broken]


def test_a_block_delivered_again_adds_nothing() -> None:
    table = Table()
    stranger = RefusedRecord(Record(9, 5, b"??"), Reason.UNREADABLE_RECORD, str(UnknownSchema("strange")))
    block = block_of(entry(1), entry(2, "poison"), entry(3), refused=(stranger,))
    delivery(table).deliver(block)
    before = dict(table.inserted)
    delivery(table).deliver(block)
    assert table.inserted == before
    assert len(table.rows(LETTERS_TABLE)) == 2


def test_a_block_with_too_many_bad_rows_stops_the_sink_and_writes_no_letter() -> None:
    table = Table()
    with pytest.raises(TooManyRefused, match="SINK_REFUSED_RECORDS_MAX=2"):
        delivery(table, 2).deliver(block_of(*[entry(number, "poison") for number in range(3)]))
    assert table.rows(LETTERS_TABLE) == []


def test_one_bad_row_becomes_a_letter_even_if_nobody_knows_the_errors_code() -> None:
    table = Table(code=UNKNOWN)
    assert delivery(table).deliver(block_of(entry(1), entry(2, "poison"), entry(3))) == 1
    assert delivery(Table(code=UNKNOWN)).deliver(block_of(entry(2, "poison"))) == 1


def test_an_unknown_error_about_every_row_is_the_tables_and_writes_no_letter() -> None:
    table = Table(code=UNKNOWN)
    with pytest.raises(Refused):
        delivery(table).deliver(block_of(entry(1, "poison"), entry(2, "poison")))
    assert table.rows(LETTERS_TABLE) == []
    known = Table()
    assert delivery(known).deliver(block_of(entry(1, "poison"), entry(2, "poison"))) == 2


def test_an_outage_is_passed_on_as_it_is() -> None:
    class Away(Table):
        def insert(self, table: str, rows: Rows, token: str) -> None:
            raise Unavailable("nobody")

    with pytest.raises(Unavailable):
        delivery(Away()).deliver(block_of(entry(1)))


def test_letters_that_fail_alike_have_one_fingerprint() -> None:
    table = Table()
    delivery(table).deliver(block_of(entry(1, "poison"), entry(22, "poison"), entry(3)))
    assert len({letter["fingerprint"] for letter in table.rows(LETTERS_TABLE)}) == 1
    assert body_of(entry(1)) != entry(1)
