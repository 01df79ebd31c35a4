"""Signed links: the token that a page's address carries as `_c`. Who holds no key cannot write one for somebody else. Pure.

A token is base64url without padding of
    kind (1 byte) | last day (2 bytes, days since 1970-01-01, big endian) | who | mac (16 bytes)
kind 1: `who` is a contact id in UTF-8. Kind 2: `who` is the SHA-256 of a normalised e-mail, 32 bytes. The mac is the first half
of HMAC-SHA256 over `stitchline link`, NUL, workspace, NUL, kind, last day, who. The last day counts to its end, in UTC.

Deliberately absent: the key's id, since each of the few keys is tried; a limit on how often a link counts, since people forward
and reopen mails (docs/decisions/0022).
"""

import hmac
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from schemas.events.remarks import Remark

PARAMETER = "_c"

DAY_MS = 86_400_000
DAY_MAX = 0xFFFF  # in 2149
SECRET_BYTES_MIN = 32
TOKEN_CHARS_MAX = 512  # a contact id has up to 255 bytes
KEYS_MAX = 8

CONTACT_ID: Final = "contact_id"  # as in the unsigned parameters of these names
EMAIL_HASH: Final = "eh"
Kind = Literal["contact_id", "eh"]

_MAC_BYTES = 16
_DIGEST_BYTES = 32
_HEAD = struct.Struct(">BH")
_CODES: dict[Kind, int] = {CONTACT_ID: 1, EMAIL_HASH: 2}
_KINDS: dict[int, Kind] = {code: kind for kind, code in _CODES.items()}
_SHAPE = re.compile(r"[A-Za-z0-9_-]{26,}")


class LinkKey(msgspec.Struct, frozen=True):
    """A signing key. The secret is shown by nothing that prints a value."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"LinkKey(id={self.id!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("id", self.id)]


class Claim(msgspec.Struct, frozen=True):
    """Whom a link is for: a contact id, or an e-mail's SHA-256 in hex."""

    kind: Kind
    value: str


class SignedLink(msgspec.Struct, frozen=True):
    """A token that was signed with one of the keys, expired or not."""

    claim: Claim
    last_day: int
    key_id: str

    def is_valid_at(self, moment_ms: int) -> bool:
        return moment_ms < (self.last_day + 1) * DAY_MS


class UnusableClaim(ValueError):
    """Nothing that a token can hold; the text says why."""


def sign(claim: Claim, workspace: str, key: LinkKey, last_day: int) -> str:
    """The token. Raises UnusableClaim."""
    if not 0 <= last_day <= DAY_MAX:
        raise UnusableClaim(f"a token's last day is a number from 0 to {DAY_MAX}, not {last_day}")
    body = _HEAD.pack(_CODES[claim.kind], last_day) + _who_bytes(claim)
    token = _text(body + _mac(body, workspace, key))
    if len(token) > TOKEN_CHARS_MAX:
        raise UnusableClaim(f"the token would have {len(token)} characters, at most {TOKEN_CHARS_MAX}")
    return token


def open_token(token: str, workspace: str, keys: Sequence[LinkKey]) -> SignedLink | Remark:
    """What a token says, if one of the keys signed it for this workspace, else why it counts for nothing."""
    content = _content(token)
    if content is None:
        return Remark.LINK_MALFORMED
    body, mac = content[:-_MAC_BYTES], content[-_MAC_BYTES:]
    claim = _claim(body)
    if claim is None:
        return Remark.LINK_MALFORMED
    for key in keys:
        if hmac.compare_digest(_mac(body, workspace, key), mac):
            return SignedLink(claim, _HEAD.unpack_from(body)[1], key.id)
    return Remark.LINK_REFUSED


def _content(token: str) -> bytes | None:
    """The bytes of a text that encodes them in the one canonical way, so that no other text passes for the same token."""
    if len(token) > TOKEN_CHARS_MAX or not _SHAPE.fullmatch(token) or len(token) % 4 == 1:
        return None
    content = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    return content if _text(content) == token else None


def _claim(body: bytes) -> Claim | None:
    kind, who = _KINDS.get(body[0]), body[_HEAD.size :]
    if kind == EMAIL_HASH:
        return Claim(EMAIL_HASH, who.hex()) if len(who) == _DIGEST_BYTES else None
    try:
        return Claim(CONTACT_ID, who.decode()) if kind == CONTACT_ID and who else None
    except UnicodeDecodeError:
        return None


def _who_bytes(claim: Claim) -> bytes:
    if claim.kind == CONTACT_ID:
        return _contact_bytes(claim.value)
    try:
        digest = bytes.fromhex(claim.value)
    except ValueError:
        digest = b""
    if len(digest) != _DIGEST_BYTES:
        raise UnusableClaim("an e-mail stands in a token as its SHA-256, 64 hex digits")
    return digest


def _contact_bytes(value: str) -> bytes:
    if not value.strip() or value != value.strip():
        raise UnusableClaim("a contact id is not empty and has no spaces around it")
    return value.encode()


def _mac(body: bytes, workspace: str, key: LinkKey) -> bytes:
    message = b"stitchline link\0%b\0%b" % (workspace.encode(), body)
    return hmac.digest(key.secret, message, "sha256")[:_MAC_BYTES]


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
