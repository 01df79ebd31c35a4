"""The data folder of the embedded ClickHouse: who owns it, and whether all that was written is still readable.

ClickHouse itself goes on without a part, a function or a folder that it cannot read, and says so in a log at most. Here
what is missing stops the start, with where it is and how to mend it: a count that is silently too low is worse.
"""

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

LOCK = "stitchline.lock"
TEMPORARY = "stitchline.tmp"
ENGINES_OWN = ("metadata", "data", "store")
TEXT_CHARS_MAX = 400
BROKEN_PARTS = (
    "SELECT concat(database, '.', table), path FROM system.detached_parts "
    "WHERE startsWith(reason, 'broken') ORDER BY path"
)
FUNCTIONS = "SELECT concat('function_', name, '.sql') FROM system.functions WHERE origin = 'SQLUserDefined'"

_WRAPPED = re.compile(r"^(Waited job failed|Load job '[^']*' failed|Error initializing EmbeddedServer): ?")

Ask = Callable[[str], list[list[str]]]  # a SELECT's rows, as text


class FolderUnusable(Exception):
    """The data folder cannot be owned, opened or trusted; the text is for the user: what, where, and how to mend it."""


def own(folder: Path) -> Any:
    """The open lock file; the folder is ours until it is closed. Raises FolderUnusable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = (folder / LOCK).open("a+")
    except OSError as error:
        raise cannot_be_used(folder, error) from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.seek(0)
        owner = held.read().strip() or "unknown"
        held.close()
        raise FolderUnusable(
            f"the data folder {folder} is in use by process {owner}: stop that one, or choose another folder"
        ) from None
    try:
        _sign(held)
        _prepare(folder)
    except OSError as error:
        held.close()
        raise cannot_be_used(folder, error) from error
    return held


def cannot_be_used(folder: Path, error: OSError) -> FolderUnusable:
    where = f" ({error.filename})" if error.filename and str(error.filename) != str(folder) else ""
    return FolderUnusable(
        f"the data folder {folder} cannot be used: {error.strerror}{where}; "
        "it must be a folder that this user may write, on a disk with room"
    )


def cannot_be_opened(folder: Path, error: Exception, engines_words: str) -> FolderUnusable:
    """The engine's own words are on standard error; its exception says only that it failed."""
    return FolderUnusable(
        f"ClickHouse cannot open the data folder {folder}: {cause(f'{engines_words}{error}')}\n"
        "The folder is damaged, or was written by a newer version: put a copy of it back, start the version that wrote "
        "it, or start with another folder"
    )


def cause(text: str) -> str:
    """The innermost of ClickHouse's errors that says something, on one line."""
    found = [_WRAPPED.sub("", part).strip(" :.") for part in re.split(r"Code: \d+\. DB::Exception: ", text)]
    said = [part for part in found[1:] if part and not part.startswith("(")]
    chosen = said[-1] if "Waited job failed" in text and len(said) > 1 else (said or [text])[0]
    chosen = re.split(r"Expected one of| from query ATTACH", chosen)[0]
    line = " ".join(chosen.split())
    return line if len(line) <= TEXT_CHARS_MAX else f"{line[:TEXT_CHARS_MAX]}…"


def refuse_what_is_missing(folder: Path, ask: Ask) -> None:
    """Raises FolderUnusable when the engine left out something that it could not read."""
    broken = ask(BROKEN_PARTS)
    if broken:
        tables = ", ".join(sorted({table for table, _ in broken}))
        raise FolderUnusable(
            f"the data folder {folder} is damaged: {len(broken)} part(s) of {tables} cannot be read and were set aside, "
            f"the first as {broken[0][1]}\n"
            "Put a copy of the folder back; or remove what was set aside and go on without those rows"
        )
    known = {row[0] for row in ask(FUNCTIONS)}
    written = sorted((folder / "user_defined").glob("function_*.sql"))
    lost = [path for path in written if path.name not in known]
    if lost:
        raise FolderUnusable(
            f"the data folder {folder} is damaged: the SQL function in {lost[0]} cannot be read\n"
            "Put a copy of the file back; or remove it and create the function again"
        )


@contextlib.contextmanager
def engines_words() -> Iterator[Callable[[], str]]:
    """What the engine, which is C++, writes to standard error meanwhile. For the time of a start only: it is the process's."""
    with tempfile.TemporaryFile() as caught:
        kept = os.dup(2)
        os.dup2(caught.fileno(), 2)
        try:
            yield lambda: os.pread(caught.fileno(), 64 * 1024, 0).decode(errors="replace")
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _sign(held: Any) -> None:
    held.truncate(0)
    held.write(str(os.getpid()))
    held.flush()


def _prepare(folder: Path) -> None:
    """chdb makes a working folder for every start, and a process that is killed leaves it behind: so it is ours to remove."""
    temporary = folder / TEMPORARY
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    os.environ["TMPDIR"] = str(temporary)
    for name in ENGINES_OWN:
        path = folder / name
        if path.exists() and not path.is_dir():
            raise NotADirectoryError(20, "Not a directory", str(path))
        if path.exists() and not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied", str(path))
