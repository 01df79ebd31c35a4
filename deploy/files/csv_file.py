"""Files that people made of a table: opened in the encoding that their first bytes say, and what stands between columns.

Spreadsheets write UTF-8 with and without a mark, and UTF-16 with one. Deliberately absent: guesses at encodings of one country.
"""

import codecs
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, TextIO

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # whose beginning is that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
PEEKED_BYTES = 1_000
_PIECE_BYTES = 1 << 16
_SAVE = "save it as CSV in UTF-8"
_QUOTED = re.compile(r'"[^"]*"')


class NotText(ValueError):
    """The file as a whole cannot be read; the text says why, and what to do."""


@contextmanager
def opened(file: Path, *, by_lines: bool = False) -> Iterator[TextIO]:
    """With its line ends as they are. `by_lines`: for whoever looks at each line and acts on it, all ends are line feeds, what is
    no UTF-8 comes as lone surrogates, and a file in another encoding has been read to its end once before. Raises NotText, also
    for what is read later."""
    with file.open("rb") as raw:
        start = raw.peek(PEEKED_BYTES)[:PEEKED_BYTES]
        encoding = next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8-sig")
        if encoding == "utf-8-sig" and b"\0" in start:
            raise NotText(f"{file} is no text, or is in UTF-16 without a mark: {_SAVE}")
        errors = "surrogateescape" if by_lines and encoding == "utf-8-sig" else "strict"
        if by_lines and errors == "strict" and raw.seekable():
            _require_text(raw, file, encoding)
            raw.seek(0)
        with TextIOWrapper(raw, encoding=encoding, errors=errors, newline=None if by_lines else "") as text:
            try:
                yield text
            except UnicodeDecodeError as error:
                raise _no_text(file, encoding, error) from error


def _require_text(raw: BinaryIO, file: Path, encoding: str) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while piece := raw.read(_PIECE_BYTES):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise _no_text(file, encoding, error) from error


def _no_text(file: Path, encoding: str, error: UnicodeDecodeError) -> NotText:
    return NotText(f"{file} is no text in {encoding.removesuffix('-sig').upper()}: {error.reason}: {_SAVE}")


def delimiter_of(header: str) -> str:
    """Spreadsheets of half the world write semicolons. What stands in quotes is part of a name."""
    return max(",;\t", key=_QUOTED.sub("", header).count)
