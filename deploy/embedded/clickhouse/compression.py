"""Bodies as HTTP clients compress them: many frames one after the other, cut anywhere into chunks. Pure.

ClickHouse's own client sends one lz4 frame for each block: a decoder that stops after the first loses rows in silence.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import brotli  # type: ignore[import-untyped]
import lz4.frame  # type: ignore[import-untyped]
import zstandard

from deploy.embedded.clickhouse.failure import ClickHouseError, refused

SLICE_BYTES = 64 * 1024
STREAM_BYTES_MAX = 64 * 1024 * 1024  # of one brotli stream that others may follow
CANNOT_DECOMPRESS = 271
UNKNOWN_METHOD = (48, "NOT_IMPLEMENTED")
# bz2 raises OSError, lz4 RuntimeError.
ERRORS = (zlib.error, zstandard.ZstdError, lzma.LZMAError, brotli.error, OSError, RuntimeError)


class _Frame(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


class _Lz4:
    """lz4's compressor with the header at its first output, like the others."""

    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor()

    def compress(self, data: bytes, /) -> bytes:
        header = b"" if self._frame.started() else self._frame.begin()
        return bytes(header + self._frame.compress(data))

    def flush(self) -> bytes:
        header = b"" if self._frame.started() else self._frame.begin()
        return bytes(header + self._frame.flush())


class _UnBrotli:
    """The library takes bytes behind a stream's end for an error, and does not say where the end was: then it is looked for
    byte by byte. ClickHouse's own client sends one stream for each block here, too.
    """

    def __init__(self) -> None:
        self._stream = brotli.Decompressor()
        self._seen = bytearray()
        self.unused_data = b""

    @property
    def eof(self) -> bool:
        return bool(self._stream.is_finished())

    def decompress(self, data: bytes, /) -> bytes:
        try:
            content = bytes(self._stream.process(data))
        except brotli.error:
            if len(self._seen) > STREAM_BYTES_MAX:
                raise
            return self._to_its_end(data)
        if len(self._seen) <= STREAM_BYTES_MAX:
            self._seen += data
        return content

    def _to_its_end(self, data: bytes) -> bytes:
        self._stream = brotli.Decompressor()
        self._stream.process(bytes(self._seen))
        content = bytearray()
        for at in range(len(data)):
            content += self._stream.process(data[at : at + 1])
            if self._stream.is_finished():
                self.unused_data = data[at + 1 :]
                return bytes(content)
        raise brotli.error("no end of a stream")


class _Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Compressor(quality=1)

    def compress(self, data: bytes, /) -> bytes:
        return bytes(self._stream.process(data))

    def flush(self) -> bytes:
        return bytes(self._stream.finish())


_FRAMES: dict[str, Callable[[], _Frame]] = {
    "gzip": lambda: zlib.decompressobj(zlib.MAX_WBITS | 16),
    "deflate": zlib.decompressobj,
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "br": _UnBrotli,
    "bz2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ),
}
_COMPRESSORS: dict[str, Callable[[], Compressor]] = {
    "gzip": lambda: zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16),
    "deflate": lambda: zlib.compressobj(1),
    "zstd": lambda: zstandard.ZstdCompressor(level=1).compressobj(),
    "lz4": _Lz4,
    "br": _Brotli,
    "bz2": lambda: bz2.BZ2Compressor(1),
    "xz": lambda: lzma.LZMACompressor(preset=0),
}


def decompressed(encoding: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The content of all frames. Raises ClickHouseError for an unknown encoding, garbage, or a frame that is cut off."""
    if encoding in ("", "identity"):
        return iter(chunks)
    if encoding not in _FRAMES:
        raise refused(
            f"Unknown compression method {encoding}: {', '.join(_FRAMES)} are known here", *UNKNOWN_METHOD
        )
    return _frames(encoding, chunks)


def compressor(encoding: str) -> Compressor:
    return _COMPRESSORS[encoding]()


def acceptable(accept_encoding: str) -> str:
    """The first that the client takes and we know; empty: none."""
    for part in accept_encoding.split(","):
        name, _, weight = part.partition(";")
        if name.strip() in _COMPRESSORS and weight.replace(" ", "") not in ("q=0", "q=0.0"):
            return name.strip()
    return ""


def _frames(encoding: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    frame: _Frame | None = None
    for rest in _sliced(chunks):
        while rest:
            frame = frame or _FRAMES[encoding]()
            content = _decompressed(frame, rest, encoding)
            if content:
                yield content
            rest, frame = (frame.unused_data or b"", None) if frame.eof else (b"", frame)
    if frame is not None:
        raise _broken(f"the body ends in the middle of a {encoding} frame")


def _decompressed(frame: _Frame, data: bytes, encoding: str) -> bytes:
    try:
        return frame.decompress(data)
    except ERRORS as error:
        raise _broken(f"the body is not {encoding}: {error}") from error


def _sliced(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Small pieces: what one of them may expand to is what we hold at once."""
    for chunk in chunks:
        for at in range(0, len(chunk), SLICE_BYTES):
            yield chunk[at : at + SLICE_BYTES]


def _broken(text: str) -> ClickHouseError:
    return refused(text, CANNOT_DECOMPRESS, "CANNOT_DECOMPRESS")
