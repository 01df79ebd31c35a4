"""One partition's committed state on local disk: a RocksDB folder, written once per chunk, after Kafka has committed.

The folder is a copy: the changelog is the truth, and a folder that is torn, that belongs to something else or that knows more
than its changelog is removed and built again. Each write is one batch that also moves the mark, so that the folder always is
the state at exactly one position of the changelog. Writes are not synced: what a power cut takes is read again.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import structlog
from rocksdict import BlockBasedOptions, DbClosedError, Options, Rdict, WriteBatch

log = structlog.get_logger()

# First byte of every key, in the folder and on the changelog: a step's keys and ours can never be the same.
USER = b"\x01"
NEXT = b"\x00next"  # the next input position; also a changelog record
_MARK = b"\x00mark"
_IDENTITY = b"\x00identity"
_SIZES = ("rocksdb.total-sst-files-size", "rocksdb.cur-size-all-mem-tables")
_USER_END = b"\x02"
_MEMTABLE_BLOOM = 0.02  # of the write buffer: 160 kB
_LAYOUT = "1"  # another layout of the folder: built again


class StoreDamaged(Exception):
    """The folder cannot be read or written: it must be removed and built again from the changelog."""


class StoreBusy(Exception):
    """Another process has the folder open; it is not ours to remove."""


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """The folder holds the changelog below `position`; `timestamp` (Kafka's, in ms) is of the newest record in it."""

    position: int = 0
    timestamp: int = 0


class Store:
    """Raises StoreDamaged from every method that does not say otherwise."""

    def __init__(self, folder: Path, identity: str) -> None:
        """Open the folder, or an empty one in its place when it is not the undamaged folder of `identity`.

        Raises StoreBusy.
        """
        self._folder = folder
        self._identity = f"{_LAYOUT}/{identity}".encode()
        self._db = self._open()

    def _open(self) -> Rdict:
        try:
            return self._checked()
        except StoreDamaged as error:
            log.warning("state folder is built again", folder=str(self._folder), cause=str(error))
        _remove(self._folder)
        return self._fresh()

    def _checked(self) -> Rdict:
        if not self._folder.exists():
            return self._fresh()
        db = _open_db(self._folder)
        try:
            with _damage():
                found = db.get(_IDENTITY)
        except StoreDamaged:
            db.close()  # else the folder built in its place would be busy
            raise
        if found != self._identity:
            db.close()
            raise StoreDamaged(
                "it belongs to another partition, generation or cluster, or was never finished"
            )
        return db

    def _fresh(self) -> Rdict:
        db = _open_db(self._folder)
        with _damage():
            db[_IDENTITY] = self._identity
        return db

    def get(self, key: bytes) -> bytes | None:
        try:  # not _damage(): a context manager costs as much as the look-up
            value: bytes | None = self._db.get(USER + key)
        except Exception as error:  # rocksdict raises bare Exception for whatever RocksDB reports
            raise StoreDamaged(str(error)) from error
        return value

    def ordered_keys(self) -> Iterator[bytes]:
        """The step's keys in byte order."""
        with _damage():
            for key in _bytes(self._db.keys(from_key=USER)):
                if key >= _USER_END:
                    return
                yield key[1:]

    @property
    def next(self) -> int | None:
        """The next input position, None before the first chunk."""
        with _damage():
            value = self._db.get(NEXT)
            return None if value is None else int.from_bytes(value, "big")

    @property
    def mark(self) -> Mark:
        with _damage():
            value = self._db.get(_MARK)
            return Mark() if value is None else _decode_mark(value)

    @property
    def size_bytes(self) -> int:
        """On disk and in memory, what is superseded and not yet compacted included."""
        with _damage():
            sizes = [self._db.property_int_value(name) for name in _SIZES]
        return sum(size or 0 for size in sizes)

    def write(self, records: Iterable[tuple[bytes, bytes | None]], mark: Mark) -> None:
        """Apply changelog records (keys with their first byte; None deletes) and move the mark, all in one batch."""
        batch = WriteBatch(raw_mode=True)
        for key, value in records:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(_MARK, msgspec.msgpack.encode(mark))
        with _damage():
            self._db.write(batch)

    def clear(self) -> None:
        """Remove everything and begin again, empty."""
        self._db.close()
        _remove(self._folder)
        self._db = self._fresh()

    def close(self) -> None:
        """May be called again."""
        with suppress(DbClosedError):
            self._db.close()

    def remove(self) -> None:
        """Remove the folder of a closed store, because it is damaged. Never raises: what stays is found damaged again."""
        try:
            _remove(self._folder)
        except StoreDamaged as error:
            log.error("damaged state folder stays", folder=str(self._folder), cause=str(error))


_decode_mark = msgspec.msgpack.Decoder(Mark).decode


def encode_next(position: int) -> bytes:
    return position.to_bytes(8, "big")


def _remove(folder: Path) -> None:
    """Afterwards there is no such folder: it gives up its name first, so that nothing half removed is ever taken for a new one.

    Raises StoreDamaged.
    """
    doomed = folder.with_name(folder.name + ".removed")
    shutil.rmtree(doomed, ignore_errors=True)  # of a removal that was cut short
    try:
        folder.rename(doomed)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreDamaged(f"{folder} cannot be removed ({error}): remove it by hand") from error
    try:
        shutil.rmtree(doomed)
    except OSError as error:
        log.warning("removed state folder takes space", folder=str(doomed), cause=str(error))


def _open_db(folder: Path) -> Rdict:
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        return Rdict(str(folder), _options())
    except Exception as error:  # rocksdict raises bare Exception for whatever RocksDB reports
        if "/LOCK" in str(error):
            raise StoreBusy(str(error)) from error
        raise StoreDamaged(str(error)) from error


def _options() -> Options:
    """Small: a worker has one of these per agent and partition."""
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_write_buffer_size(8 << 20)
    options.set_max_open_files(256)
    options.set_keep_log_file_num(2)
    # A visitor's first event asks for keys that nobody has: the memory's part of that is told in a quarter of the time.
    options.set_memtable_whole_key_filtering(True)
    options.set_memtable_prefix_bloom_ratio(_MEMTABLE_BLOOM)
    table = BlockBasedOptions()
    table.set_bloom_filter(10, False)
    options.set_block_based_table_factory(table)
    return options


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # rocksdict raises bare Exception for whatever RocksDB reports
        raise StoreDamaged(str(error)) from error


def _bytes(keys: Iterable[object]) -> Iterator[bytes]:
    for key in keys:
        if not isinstance(key, bytes):
            raise StoreDamaged("a key is not raw bytes")
        yield key
