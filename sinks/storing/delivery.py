"""One block into ClickHouse, whatever single records it holds: none may stop the others, none may vanish.

What cannot be stored becomes a dead letter, written straight into the letters' table under a token of the same block:
not into the topic, which could not be made exactly-once here and would loop for the letters' own sink. A block that is
delivered again after a crash takes the same way and gets the same tokens.
"""

from typing import Protocol

import msgspec

from schemas.events.dead_letter import Cause, Sender, Stage, dead_letter
from schemas.events.reasons import Reason
from schemas.events.withheld import is_withheld_record
from schemas.wire.codec import encode_dead_letter
from sinks.storing.block import Block, Record, RefusedRecord
from sinks.storing.failure import Action, SinkError, TooManyRefused, decide, is_known_of_rows
from sinks.storing.rows import Rows, rows_of
from sinks.storing.tables import EVENTS_TABLE, LETTERS_SCHEMA, LETTERS_TABLE


class Writer(Protocol):
    """Where blocks go."""

    def insert(self, table: str, rows: Rows, token: str) -> None:
        """Insert these rows, at most once under this token. Raises SinkError."""


class Delivery:
    """`deliver` is idempotent; it raises the SinkError that made it give up, or TooManyRefused."""

    def __init__(self, writer: Writer, table: str, refused_records_max: int) -> None:
        self._writer = writer
        self._table = table
        self._refused_records_max = refused_records_max

    def deliver(self, block: Block) -> int:
        """Returns how many records became dead letters."""
        block = self._without_withheld(block)
        refused = [*block.refused]
        self._check(block, refused, "not readable as this topic's Avro")
        if block.records:
            errors = self._store(block, block.records, block.token, refused)
            if 1 < len(block.records) == len(errors) and not any(map(is_known_of_rows, errors)):
                raise errors[
                    -1
                ]  # several rows and none fits, for a reason that is not known of rows: the table's fault
        if refused:
            letters = [encode_dead_letter(_letter(block, item)) for item in refused]
            self._writer.insert(LETTERS_TABLE, rows_of(LETTERS_SCHEMA, letters), f"{block.token}-refused")
        return len(refused)

    def _without_withheld(self, block: Block) -> Block:
        """The same under the same token: what is withheld is so whenever the block is delivered."""
        if self._table != EVENTS_TABLE:
            return block
        kept = tuple(record for record in block.records if not is_withheld_record(record.value or b""))
        return block if len(kept) == len(block.records) else msgspec.structs.replace(block, records=kept)

    def _store(
        self, block: Block, records: tuple[Record, ...], token: str, refused: list[RefusedRecord]
    ) -> list[SinkError]:
        """Insert whole; when a row is to blame, in halves, down to the row. Returns why rows were refused, each."""
        error = self._blames_a_row(_rows(block, records), token)
        if error is None:
            return []
        if len(records) == 1:
            refused.append(RefusedRecord(records[0], Reason.REFUSED_ROW, str(error)))
            self._check(block, refused, error.summary)
            return [error]
        middle = len(records) // 2
        errors: list[SinkError] = []
        for half in (records[:middle], records[middle:]):
            piece = f"{block.token}/{half[0].offset}-{half[-1].offset + 1}"
            errors += self._store(block, half, piece, refused)
        return errors

    def _blames_a_row(self, rows: Rows, token: str) -> SinkError | None:
        """Insert; None when it is stored. Raises a SinkError that is no row's fault."""
        try:
            self._writer.insert(self._table, rows, token)
        except SinkError as error:
            if decide(error, 1, delay_s_max=0).action is not Action.SPLIT:
                raise
            return error
        return None

    def _check(self, block: Block, refused: list[RefusedRecord], summary: str) -> None:
        """`summary` is of the last one, and may be logged."""
        if len(refused) > self._refused_records_max:
            raise TooManyRefused(
                f"block {block.token}: more than SINK_REFUSED_RECORDS_MAX={self._refused_records_max} of its "
                f"{len(block.records) + len(block.refused)} records were refused, the last because: {summary}"
            )


def _rows(block: Block, records: tuple[Record, ...]) -> Rows:
    return rows_of(block.schema_id, [record.value or b"" for record in records])


def _letter(block: Block, item: RefusedRecord) -> dict[str, object]:
    place = f"{block.topic} {block.partition} {item.record.offset}"
    return dead_letter(
        Cause(Stage.SINK, item.reason, f"{place}: {item.detail}"),
        Sender("", "", "", item.record.timestamp),
        item.record.value or b"",
    )
