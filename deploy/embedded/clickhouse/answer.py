"""An answer on its way: status, headers, compression, and errors that come before or after its beginning.

Knows nothing of HTTP's server: `Reply` is the edge's.
"""

import contextlib
import json
from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec

from deploy.embedded.clickhouse import formats
from deploy.embedded.clickhouse.blocks import Packer
from deploy.embedded.clickhouse.compression import Compressor, compressor
from deploy.embedded.clickhouse.engine import VERSION, Done
from deploy.embedded.clickhouse.failure import ClickHouseError, body, in_the_answer
from deploy.embedded.clickhouse.request import DEFAULT_FORMAT

DISPLAY_NAME = "stitchline-embedded"


class Reply(Protocol):
    """The edge's side of an answer. Any method raises OSError when the client is gone."""

    def start(self, status: int, headers: dict[str, str]) -> None: ...
    def write(self, data: bytes) -> None: ...
    def end(self) -> None: ...
    def cut(self) -> None:
        """After `start`: what was written goes out, and the client sees that the answer does not end there."""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """How a request wants its answer. `tag`: what an error in the midst of it is known by."""

    query_id: str
    tag: str
    timezone: str
    encoding: str = ""
    packs: bool = False


class Answer:
    def __init__(self, reply: Reply, kind: Kind) -> None:
        self._reply = reply
        self._kind = kind
        self._frame: Compressor = _Plain()
        self.started = False

    def become(self, kind: Kind) -> None:
        """Before the start: the request has been read."""
        self._kind = kind

    def whole(self, done: Done, name: str) -> None:
        self._send(200, self._headers(name) | {"X-ClickHouse-Summary": _summary(done)}, [done.output])

    def from_file(self, done: Done, pieces: Iterator[bytes], name: str) -> None:
        """As `whole`, of output that stands in a file."""
        self._send(200, self._headers(name) | {"X-ClickHouse-Summary": _summary(done)}, pieces)

    def pieces(self, pieces: Iterator[bytes], name: str) -> None:
        """The status is sent at once: the caller has the first piece, and most errors come before it."""
        self._send(200, self._headers(name) | {"X-ClickHouse-Summary": _summary(Done())}, pieces)

    def end(self) -> None:
        """When all that the statement held is free again: a client's next request may need it, and comes at once."""
        self._put(self._frame.flush())
        self._reply.end()

    def failure(self, error: ClickHouseError) -> None:
        """Where the answer has begun, the error becomes its end."""
        if self.started:
            self._write(in_the_answer(error, VERSION, self._kind.tag))
            self._put(self._frame.flush())
            self._reply.cut()
            return
        self._kind = msgspec.structs.replace(self._kind, packs=False)
        headers = self._headers(DEFAULT_FORMAT) | {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-ClickHouse-Exception-Code": str(error.code),
        }
        self._send(error.status, headers, [body(error, VERSION)])
        self.end()

    def _send(self, status: int, headers: dict[str, str], content: Iterable[bytes]) -> None:
        if self._kind.encoding:
            self._frame = compressor(self._kind.encoding)
            headers["Content-Encoding"] = self._kind.encoding
        elif self._kind.packs:
            self._frame = Packer()
        self._reply.start(status, headers)
        self.started = True
        for piece in content:
            self._write(piece)

    def _write(self, piece: bytes) -> None:
        self._put(self._frame.compress(piece))

    def _put(self, data: bytes) -> None:
        if data:
            self._reply.write(data)

    def _headers(self, name: str) -> dict[str, str]:
        return {
            "Content-Type": formats.media_type(name),
            "X-ClickHouse-Format": name,
            "X-ClickHouse-Query-Id": self._kind.query_id,
            "X-ClickHouse-Timezone": self._kind.timezone,
            "X-ClickHouse-Server-Display-Name": DISPLAY_NAME,
            "X-ClickHouse-Exception-Tag": self._kind.tag,
        }


class _Plain:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def drained(chunks: Iterator[bytes]) -> None:
    """Read what the client still sends: one that is cut off while sending reports that, and not our answer."""
    with contextlib.suppress(OSError):
        for _ in chunks:
            pass


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
