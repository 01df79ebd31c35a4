"""Files of addresses for a list of contacts: read line by line, checked, and cut into batches. Bounded memory, whatever the size.

Each line stands for itself: one that cannot be taken is told with its number and why, and keeps no other one back; a quote that
is never closed ends with its line. Deliberately absent: Kafka (contacts.py).
"""

import csv
from collections.abc import Callable, Iterator
from typing import IO, Final

import msgspec

from deploy.files.csv_file import delimiter_of
from schemas.contacts.contact_changes import BadChange, Into, Stated, fact_of
from schemas.contacts.contact_facts import ContactFact

LINE_CHARS_MAX: Final = 10_000
BATCH_LINES: Final = 20_000
ADDRESS_COLUMNS: Final = ("email", "phone", "address")

Tell = Callable[[int, str], None]  # a line's number, and why it is not taken


class BadFile(ValueError):
    """No line of the file can be read as it is meant."""


class Columns(msgspec.Struct, frozen=True):
    """Places of what is read; -1: there is no such column. `has_heading`: the first line is none of the addresses."""

    delimiter: str
    address: int
    mailer: int = -1
    at: int = -1
    has_heading: bool = True


class Counted(msgspec.Struct):
    """So far."""

    lines: int = 0
    taken: int = 0
    refused: int = 0


def batches(
    opened: IO[str], change: str, into: Into, tell: Tell
) -> Iterator[tuple[Counted, list[ContactFact]]]:
    """Facts of so many lines, with the counts up to there; the last batch may be empty. Raises BadFile."""
    counted, facts = Counted(), list[ContactFact]()
    lines = _lines(opened)
    first = next(lines, None)
    if first is None:
        raise BadFile("the file is empty")
    columns = columns_of(first[1], into.list.channel)
    waiting = lines if columns.has_heading else _with(first, lines)
    for number, line in waiting:
        if not line.strip():
            continue
        counted.lines += 1
        try:
            facts.append(_fact(line, columns, change, into))
            counted.taken += 1
        except BadChange as error:
            counted.refused += 1
            tell(number, str(error))
        if counted.lines % BATCH_LINES == 0:
            yield counted, facts
            facts = []
    yield counted, facts


def columns_of(line: str, channel: str) -> Columns:
    """A heading names a column `email`, `phone` or `address`; without one, the first column has the addresses. Raises BadFile."""
    delimiter = delimiter_of(line)
    try:
        names = [cell.strip().lower() for cell in _cells(line, delimiter)]
    except BadChange as error:
        raise BadFile(f"the first line: {error}") from error
    wanted = [name for name in ADDRESS_COLUMNS if name in names]
    if not wanted:
        return Columns(delimiter, 0, has_heading=False)
    if channel not in wanted and "address" not in wanted:
        raise BadFile(f"the list has addresses of channel {channel}, and the heading names {wanted[0]} alone")
    name = channel if channel in wanted else "address"
    return Columns(delimiter, names.index(name), _place(names, "mailer"), _place(names, "at"))


def _fact(line: str, columns: Columns, change: str, into: Into) -> ContactFact:
    """Raises BadChange."""
    if len(line) > LINE_CHARS_MAX:
        raise BadChange(f"the line has more than {LINE_CHARS_MAX} characters")
    try:
        line.encode()
    except UnicodeEncodeError:
        raise BadChange("the line is no text in UTF-8") from None
    cells = _cells(line, columns.delimiter)
    stated = Stated(
        change, _cell(cells, columns.address), _cell(cells, columns.mailer), _cell(cells, columns.at)
    )
    return fact_of(stated, into)


def _cells(line: str, delimiter: str) -> list[str]:
    """Raises BadChange."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise BadChange(f"the line is no CSV: {error}") from None


def _cell(cells: list[str], place: int) -> str:
    return cells[place].strip() if 0 <= place < len(cells) else ""


def _place(names: list[str], name: str) -> int:
    return names.index(name) if name in names else -1


def _with(first: tuple[int, str], others: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield first
    yield from others


def _lines(opened: IO[str]) -> Iterator[tuple[int, str]]:
    """Numbered from 1; of one that is too long no more than shows that it is."""
    number = 0
    while line := opened.readline(LINE_CHARS_MAX + 2):
        number += 1
        rest = line
        while not rest.endswith("\n") and (rest := opened.readline(LINE_CHARS_MAX)):
            pass
        yield number, line.rstrip("\r\n")
