"""ClickHouse's own compressed blocks, which a client asks for with `compress=1` and sends with `decompress=1`. Pure.

A block is a CityHash128 of all that follows, then the method, the block's size with these nine bytes, the size of the
content, and the content. A block whose checksum is wrong is refused, as by the server: it was changed on its way.
"""

import struct
from collections.abc import Iterable, Iterator

import lz4.block  # type: ignore[import-untyped]
import zstandard
from clickhouse_cityhash.cityhash import CityHash128  # type: ignore[import-untyped]

from deploy.embedded.clickhouse.failure import ClickHouseError, refused

NONE, LZ4, ZSTD = 0x02, 0x82, 0x90
BLOCK_BYTES = 1024 * 1024  # content of a block that we make; the server's own size
CHECKSUM_BYTES = 16
CONTENT_BYTES_MAX = 1024 * 1024 * 1024  # the server's own limit

_HEADER = struct.Struct("<BII")
_HEAD_BYTES = CHECKSUM_BYTES + _HEADER.size


class Packer:
    """Has the methods of the compressors of HTTP's encodings."""

    def compress(self, data: bytes, /) -> bytes:
        return b"".join(_block(data[at : at + BLOCK_BYTES]) for at in range(0, len(data), BLOCK_BYTES))

    def flush(self) -> bytes:
        return b""


def unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The content of all blocks, cut anywhere into chunks. Raises ClickHouseError."""
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        while (size := _size(waiting)) and len(waiting) >= size:
            yield _content(bytes(waiting[:size]))
            del waiting[:size]
    if waiting:
        raise _broken("the body ends in the middle of a block")


def _block(content: bytes) -> bytes:
    packed: bytes = lz4.block.compress(content, store_size=False)
    body = _HEADER.pack(LZ4, len(packed) + _HEADER.size, len(content)) + packed
    return _checksum(body) + body


def _size(waiting: bytearray) -> int:
    """Of the first block as a whole; 0 when its head has not come yet."""
    if len(waiting) < _HEAD_BYTES:
        return 0
    _, packed_bytes, content_bytes = _HEADER.unpack_from(waiting, CHECKSUM_BYTES)
    if packed_bytes < _HEADER.size or max(packed_bytes, content_bytes) > CONTENT_BYTES_MAX:
        raise refused(
            f"Too large size_compressed: {packed_bytes}, of {content_bytes} bytes. Most likely the body is not "
            "ClickHouse's compressed blocks", 39, "TOO_LARGE_SIZE_COMPRESSED"
        )  # fmt: skip
    return int(CHECKSUM_BYTES + packed_bytes)


def _content(block: bytes) -> bytes:
    body = block[CHECKSUM_BYTES:]
    if block[:CHECKSUM_BYTES] != _checksum(body):
        raise refused("Checksum doesn't match: corrupted data", 40, "CHECKSUM_DOESNT_MATCH")
    method, _, size = _HEADER.unpack_from(body)
    packed = body[_HEADER.size :]
    try:
        content = _decompressed(method, packed, size)
    except (lz4.block.LZ4BlockError, zstandard.ZstdError, ValueError) as error:
        raise _broken(str(error)) from error
    if len(content) != size:
        raise _broken(f"a block has {len(content)} bytes and says {size}")
    return content


def _decompressed(method: int, packed: bytes, size: int) -> bytes:
    if method == LZ4:
        return bytes(lz4.block.decompress(packed, uncompressed_size=size))
    if method == ZSTD:
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=size)
    if method == NONE:
        return packed
    raise refused(f"Unknown compression method: {method:#x}", 89, "UNKNOWN_COMPRESSION_METHOD")


def _checksum(body: bytes) -> bytes:
    high, low = divmod(int(CityHash128(body)), 1 << 64)
    return high.to_bytes(8, "little") + low.to_bytes(8, "little")


def _broken(text: str) -> ClickHouseError:
    return refused(f"Cannot decompress: {text}", 271, "CANNOT_DECOMPRESS")
