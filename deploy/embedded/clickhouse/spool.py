"""Data of a request in a file, because the engine reads files: chdb has no way in that also reports errors of views. And
answers that the engine writes to a file, so that they need not stand in memory.
"""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from deploy.embedded.clickhouse.failure import refused

PIECE_BYTES = 1 << 20


@contextlib.contextmanager
def spooled(data: Iterable[bytes], folder: Path, bytes_max: int) -> Iterator[Path]:
    """The file is there when `data` came to its end; an error from it goes on. Raises ClickHouseError."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix="data-", buffering=0) as spool:
        size = 0
        for chunk in data:
            size += len(chunk)
            if size > bytes_max:
                raise refused(f"the data of a request may have {bytes_max} bytes", 307, "TOO_MANY_BYTES")
            _write(spool.fileno(), chunk, folder)
        yield Path(spool.name)


@contextlib.contextmanager
def answer_path(folder: Path) -> Iterator[Path]:
    """Where the engine may write one answer; the file is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="answer-") as own:
        yield Path(own) / "answer"


def in_pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _write(descriptor: int, chunk: bytes, folder: Path) -> None:
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise refused(
            f"Cannot write to {folder}: no space left on the device", 243, "NOT_ENOUGH_SPACE"
        ) from error
