"""From the bytes of a request to text that can be parsed: gzip undone within a limit, broken characters found or mended. Pure.

Nothing here looks into the JSON.
"""

import re
import zlib

import schemas.values.octets as octets
from collector.rejection import Refusal
from schemas.events.reasons import Reason

GZIP_MAGIC = b"\x1f\x8b"
GZIP_WINDOW = 16 + zlib.MAX_WBITS
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_GZIP_FIRST, _MARK_FIRST, _BACKSLASH = GZIP_MAGIC[0], BYTE_ORDER_MARK[0], b"\\"[0]

PLAIN, GZIP = ("", "identity"), ("gzip", "x-gzip")

_PAIR_OR_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair: one character beyond the basic plane
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # half of one
    rb"|\\.",  # any other escape, so that an escaped backslash is never read as the start of one
    re.DOTALL,
)


def unpacked(body: bytes, encoding: str, bytes_max: int) -> bytes | Refusal:
    """The body as text, without a byte order mark. gzip is also recognised by its first bytes: JSON never starts like that."""
    if encoding:
        encoding = encoding.strip().lower()
        if encoding not in PLAIN and encoding not in GZIP:
            return Refusal(
                Reason.BAD_ENCODING,
                "Content-Encoding is neither gzip nor identity: send the body plain or as gzip",
            )
    first = body[0] if body else 0  # of nearly all a "{", behind which nothing is looked for
    if (encoding and encoding in GZIP) or (first == _GZIP_FIRST and body.startswith(GZIP_MAGIC)):
        return _gunzip(body, bytes_max)
    if len(body) > bytes_max:
        return too_large(bytes_max)
    return body.removeprefix(BYTE_ORDER_MARK) if first == _MARK_FIRST else body


def too_large(bytes_max: int) -> Refusal:
    return Refusal(Reason.BODY_TOO_LARGE, f"the body is larger than {bytes_max} bytes: send smaller batches")


def _gunzip(body: bytes, bytes_max: int) -> bytes | Refusal:
    # At most one byte more than the limit is ever produced, whatever the input promises.
    unzip = zlib.decompressobj(GZIP_WINDOW)
    try:
        plain = unzip.decompress(body, bytes_max + 1)
    except zlib.error:
        return Refusal(
            Reason.BAD_ENCODING, "the body is announced as gzip and is not: mend or drop Content-Encoding"
        )
    if len(plain) > bytes_max:
        return too_large(bytes_max)
    if not unzip.eof or unzip.unused_data:
        return Refusal(
            Reason.BAD_ENCODING,
            "the gzip body is cut short or has more than one member: send one complete member",
        )
    return plain.removeprefix(BYTE_ORDER_MARK)


def is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def with_whole_characters(text: bytes) -> bytes:
    r"""JSON text with halves of surrogate pairs (`\ud83d` alone) replaced by U+FFFD.

    Browsers send them when a page title was cut in the middle of an emoji. No UTF-8 can hold them: not Avro's, not
    ClickHouse's, so an event would be lost for one character of a title.
    """
    # Most have no backslash.
    if octets.place_of(text, _BACKSLASH, 0) < 0 or (text.find(b"\\ud") < 0 and text.find(b"\\uD") < 0):
        return text
    return _PAIR_OR_ESCAPE.sub(_whole, text)


def _whole(found: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if found[1] else found[0]
