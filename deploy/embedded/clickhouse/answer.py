"""One request from its body to its answer, in a worker thread: read, run, reply. The order of things is only here.

Knows neither HTTP's server nor chdb: `Reply` is the edge's, `Engine` the engine's.
"""

import contextlib
import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec

from deploy.embedded.clickhouse import formats, sql
from deploy.embedded.clickhouse.compression import compressor, decompressed
from deploy.embedded.clickhouse.engine import VERSION, Done, Engine, Prepared
from deploy.embedded.clickhouse.failure import ClickHouseError, body, refused
from deploy.embedded.clickhouse.request import DEFAULT_FORMAT, Request

HEAD_BYTES = 256 * 1024  # the SQL of an INSERT ends within; ClickHouse has the same limit (max_query_size)


class Reply(Protocol):
    """The edge's side of an answer. Any method raises OSError when the client is gone."""

    def start(self, status: int, headers: dict[str, str]) -> None: ...
    def write(self, data: bytes) -> None: ...
    def end(self) -> None: ...
    def abort(self) -> None:
        """After `start`: the client must see that the answer is cut off."""


class Limits(msgspec.Struct, frozen=True):
    statement_bytes_max: int
    memory_bytes_max: int


class Statement(msgspec.Struct, frozen=True):
    text: bytes
    insert: sql.Insert | None
    data: Iterator[bytes]


def serve(
    engine: Engine, request: Request, raw_body: Iterator[bytes], reply: Reply, limits: Limits
) -> ClickHouseError | None:
    """Answer the request; returns the error it was answered with, for the log."""
    sent = _Sent(reply, request, engine.timezone)
    try:
        statement = split(
            request, decompressed(request.content_encoding, raw_body), limits.statement_bytes_max
        )
        with engine.prepared(setup(request, limits.memory_bytes_max)) as prepared:
            _run(prepared, request, statement, sent)
    except ClickHouseError as error:
        if sent.started:
            reply.abort()
        else:
            _drain(raw_body)
            sent.failure(error)
        return error
    return None


def split(request: Request, chunks: Iterator[bytes], statement_bytes_max: int) -> Statement:
    """The query parameter and the body are one text; the data of an INSERT stays in the iterator. Raises ClickHouseError."""
    text = bytearray(request.query.encode() + b"\n" if request.query else b"")
    _fill(text, chunks, HEAD_BYTES)
    found = sql.insert(bytes(text), request.default_format or "Values")
    if found:
        return Statement(bytes(text), found, itertools.chain([bytes(text[found.data_at :])], chunks))
    _fill(text, chunks, statement_bytes_max + 1)
    if len(text) > statement_bytes_max:
        raise refused(f"a statement may have {statement_bytes_max} bytes", 307, "TOO_MANY_BYTES")
    if not text.strip():
        raise refused("Empty query", 62, "SYNTAX_ERROR")
    _refuse_sessions(request, bytes(text))
    return Statement(bytes(text), None, iter(()))


def setup(request: Request, memory_bytes_max: int) -> list[str]:
    """What makes a fresh connection this request's; readonly comes last, since it forbids what comes before."""
    settings = {"max_memory_usage": str(memory_bytes_max)} | request.settings | request.parameters
    readonly = settings.pop("readonly", "0")
    if request.readonly and readonly == "0":
        readonly = "2"
    assigned = [f"{name} = {sql.quoted(value)}" for name, value in settings.items() if _is_name(name)]
    statements = [f"USE {sql.identifier(request.database)}"] if request.database else []
    statements.append("SET " + ", ".join(assigned))
    return statements if readonly == "0" else [*statements, f"SET readonly = {sql.quoted(readonly)}"]


def _run(prepared: Prepared, request: Request, statement: Statement, sent: "_Sent") -> None:
    if statement.insert:
        done = prepared.insert(statement.insert, statement.data)
        sent.whole(done, request.default_format or DEFAULT_FORMAT)
        return
    name = sql.output_format(statement.text) or request.default_format or DEFAULT_FORMAT
    text = statement.text.decode("utf-8", errors="surrogateescape")
    reads = sql.first_word(statement.text) in sql.READS
    if reads and not request.buffered and formats.may_be_cut(name, text, request.settings):
        with contextlib.closing(prepared.pieces(text, request.default_format or DEFAULT_FORMAT)) as pieces:
            sent.pieces(pieces, name)
    else:
        sent.whole(prepared.execute(text, request.default_format or DEFAULT_FORMAT), name)


class _Sent:
    """Headers and compression of one answer."""

    def __init__(self, reply: Reply, request: Request, timezone: str) -> None:
        self._reply = reply
        self._request = request
        self._timezone = timezone
        self.started = False

    def whole(self, done: Done, name: str) -> None:
        self._send(200, self._headers(name) | {"X-ClickHouse-Summary": _summary(done)}, [done.output])

    def pieces(self, pieces: Iterator[bytes], name: str) -> None:
        """The first piece is made before the status is sent: most errors come by then."""
        first = next(pieces, b"")
        headers = self._headers(name) | {"X-ClickHouse-Summary": _summary(Done())}
        self._send(200, headers, itertools.chain([first], pieces))

    def failure(self, error: ClickHouseError) -> None:
        headers = self._headers(DEFAULT_FORMAT) | {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-ClickHouse-Exception-Code": str(error.code),
        }
        self._send(error.status, headers, [body(error, VERSION)])

    def _send(self, status: int, headers: dict[str, str], content: Iterable[bytes]) -> None:
        encoding = self._request.answer_encoding
        self._reply.start(status, headers | ({"Content-Encoding": encoding} if encoding else {}))
        self.started = True
        for piece in _compressed(encoding, content) if encoding else content:
            if piece:
                self._reply.write(piece)
        self._reply.end()

    def _headers(self, name: str) -> dict[str, str]:
        return {
            "Content-Type": formats.media_type(name),
            "X-ClickHouse-Format": name,
            "X-ClickHouse-Query-Id": self._request.query_id,
            "X-ClickHouse-Timezone": self._timezone,
            "X-ClickHouse-Server-Display-Name": "stitchline-embedded",
        }


def _compressed(encoding: str, content: Iterable[bytes]) -> Iterator[bytes]:
    frame = compressor(encoding)
    for piece in content:
        yield frame.compress(piece)
    yield frame.flush()


def _summary(done: Done) -> str:
    numbers = {
        "read_rows": done.rows_read,
        "read_bytes": done.bytes_read,
        "written_rows": done.rows_written,
        "written_bytes": done.bytes_written,
        "total_rows_to_read": 0,
        "result_rows": done.result_rows,
        "result_bytes": len(done.output),
        "elapsed_ns": round(done.elapsed_s * 1e9),
    }
    return json.dumps({name: str(number) for name, number in numbers.items()})


def _fill(text: bytearray, chunks: Iterator[bytes], size: int) -> None:
    while len(text) < size:
        chunk = next(chunks, None)
        if chunk is None:
            return
        text += chunk


def _drain(chunks: Iterator[bytes]) -> None:
    """Read what the client still sends: one that is cut off while sending reports that, and not our answer."""
    with contextlib.suppress(OSError):
        for _ in chunks:
            pass


def _refuse_sessions(request: Request, text: bytes) -> None:
    if request.session_id and (sql.first_word(text) in sql.OF_A_SESSION or sql.makes_temporary(text)):
        raise refused(
            "The embedded ClickHouse keeps no sessions: give settings and the database with each request"
        )


def _is_name(name: str) -> bool:
    if not name.isidentifier() or not name.isascii():
        raise refused(f"Unknown setting {sql.quoted(name)}", 115, "UNKNOWN_SETTING")
    return True
