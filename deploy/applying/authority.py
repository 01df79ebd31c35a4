"""May this be applied, and by whom: checks the token of an apply, and signs what it writes.

While there is no token, everything is allowed, and nothing is signed. From the first one on, each apply takes one that is known,
neither revoked nor expired, and whose role allows every change. Deliberately absent: Kafka. What this guards and what it cannot:
docs/decisions/0055-applies-are-signed.md.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from deploy.applying.signing import Held, read_token
from schemas.access.tokens import Token, applies_in, said_by, signed_bytes, superfluous, tokens_in
from schemas.configuration.roles import changed, may, refusals
from schemas.control import ControlState
from schemas.segments.segment_records import Records

APPLY_BYTES_MAX: Final = 900_000  # Kafka takes about a million
REFUSALS_TOLD_MAX: Final = 10


class NotAllowed(ValueError):
    """The text says what, why, and what to do. Nothing was written."""


class Wish(msgspec.Struct, frozen=True):
    """What somebody wants to apply. `token`: the text of theirs, "" for none. `at`: ms since 1970, when. `besides`: what else a
    file does that is written elsewhere, as keys."""

    apply_id: str
    token: str = ""
    at: int = 0
    besides: tuple[str, ...] = ()


def authorised(before: ControlState, after: ControlState, records: Records, wish: Wish) -> Records:
    """The records to write, with the document that says what they are. Raises NotAllowed."""
    held, token = holder(tokens_in(before.documents), wish)
    own = dict(records)
    if token is not None:
        keys = [*changed(before, after, records), *wish.besides]
        _refuse(list(refusals(token.role, token.token, before, after, keys)), token)
        own = {key: document for key, document in records.items() if key in keys}
    return own | signed(before.documents, own, wish, held)


def signed(documents: Mapping[str, bytes], records: Records, wish: Wish, held: Held | None) -> Records:
    """The document of this apply, and the ends of former ones that say nothing any more."""
    said = said_by(wish.apply_id, wish.at, held.token if held else "", records)
    if held:
        said = msgspec.structs.replace(said, signature=held.sign(signed_bytes(said)))
    document = msgspec.json.encode(said)
    if len(document) > APPLY_BYTES_MAX:
        raise NotAllowed(
            f"{len(records)} documents are more than one apply can account for: make several files of it"
        )
    gone = superfluous(applies_in(documents), {**documents, **records})
    return {**dict.fromkeys(gone), said.key: document}


def holder(tokens: Mapping[str, Token], wish: Wish) -> tuple[Held | None, Token | None]:
    """Who wishes it: (None, None) as long as there are no tokens. Raises NotAllowed."""
    if not wish.token:
        if tokens:
            raise NotAllowed(
                "every apply is signed since there are tokens: give yours with --token-file FILE or in STITCHLINE_TOKEN"
            )
        return None, None
    held = read_token(wish.token)
    if held is None:
        raise NotAllowed(
            "the token given is none: it is one line, stitchline.ID.KEY, as `stitchline token` printed it"
        )
    token = tokens.get(held.token)
    if token is None or token.public_key != held.public_key:
        raise NotAllowed(
            f"token {held.token} is none of this deployment's: ask an admin for one (`stitchline token --role ROLE --id NAME`)"
        )
    _refuse_ended(token, wish.at)
    return held, token


def _refuse_ended(token: Token, at: int) -> None:
    if token.revoked_at:
        raise NotAllowed(f"token {token.token} was revoked: ask an admin for another one")
    if token.expires_at and at >= token.expires_at:
        raise NotAllowed(f"token {token.token} has expired: ask an admin for another one")


def _refuse(told: list[str], token: Token) -> None:
    if not may(token.role, "editor"):
        raise NotAllowed(
            f"token {token.token} is viewer, which may plan and applies nothing: ask an admin for role editor"
        )
    if told:
        more = [f"and {len(told) - REFUSALS_TOLD_MAX} more"] if len(told) > REFUSALS_TOLD_MAX else []
        raise NotAllowed("\n  ".join([*told[:REFUSALS_TOLD_MAX], *more]))
