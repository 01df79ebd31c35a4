"""Who may apply what: documents `token/ID` and `apply/ID` on `control`.

A token is a pair of keys: whoever applies holds the private one, the document has the public one and the role. Each apply leaves
a document that says what it wrote, by digests, and is signed. Pure: keys are made and used in deploy/applying/signing.py.
"""

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final, Literal, TypeAlias

import msgspec

from schemas.values.json_values import UNREADABLE

TOKEN, APPLY = "token/", "apply/"
APPLIES_KEPT_MAX: Final = 500  # beside those that say of some document that is there who wrote it

Role: TypeAlias = Literal["viewer", "editor", "admin"]

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class Token(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Times in ms since 1970; 0: never. `public_key` is base64 of 32 bytes (Ed25519)."""

    token: str
    role: Role
    public_key: str
    created_at: int
    expires_at: int = 0
    revoked_at: int = 0

    @property
    def key(self) -> str:
        return token_key(self.token)

    def ended_at(self) -> int:
        """0: it has not, and will not."""
        return min((at for at in (self.expires_at, self.revoked_at) if at), default=0)


class Apply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One `stitchline apply`. `documents`: what was written, by key: digests, None where something was deleted. `at` is what its
    clock said. Before the first token there is neither `token` nor `signature` (base64)."""

    apply: str
    at: int
    documents: dict[str, str | None]
    token: str = ""
    signature: str = ""

    @property
    def key(self) -> str:
        return f"{APPLY}{self.apply}"


def token_key(name: str) -> str:
    return f"{TOKEN}{name}"


def is_id(name: str) -> bool:
    return bool(_ID.fullmatch(name))


def digest(document: bytes | None) -> str | None:
    return None if document is None else sha256(document).hexdigest()


def said_by(apply_id: str, at: int, token: str, records: Mapping[str, bytes | None]) -> Apply:
    """Not signed yet."""
    digests = {key: digest(document) for key, document in sorted(records.items())}
    return Apply(apply=apply_id, at=at, documents=digests, token=token)


def signed_bytes(apply: Apply) -> bytes:
    """What is signed: all but the signature."""
    return msgspec.json.encode(msgspec.structs.replace(apply, signature=""), order="sorted")


def tokens_in(documents: Mapping[str, bytes]) -> dict[str, Token]:
    """By id."""
    found = (_read_token(document) for key, document in documents.items() if key.startswith(TOKEN))
    return {token.token: token for token in found if token is not None}


def applies_in(documents: Mapping[str, bytes]) -> list[Apply]:
    """The latest first, by their own clocks."""
    found = (_read_apply(document) for key, document in documents.items() if key.startswith(APPLY))
    return sorted((each for each in found if each is not None), key=lambda each: (-each.at, each.apply))


def superfluous(applies: Iterable[Apply], documents: Mapping[str, Any]) -> list[str]:
    """Keys of those that may go, the latest being given first: old, and all that they wrote was written anew or is gone."""
    accounted: set[str] = set()
    found = []
    for place, apply in enumerate(applies):
        own = {key for key in apply.documents if key in documents} - accounted
        accounted |= own
        if place >= APPLIES_KEPT_MAX and not own:
            found.append(apply.key)
    return found


def _read_token(document: bytes) -> Token | None:
    try:
        return _decode_token(document)
    except UNREADABLE:
        return None  # of a later release


def _read_apply(document: bytes) -> Apply | None:
    try:
        return _decode_apply(document)
    except UNREADABLE:
        return None


_decode_token = msgspec.json.Decoder(Token).decode
_decode_apply = msgspec.json.Decoder(Apply).decode
