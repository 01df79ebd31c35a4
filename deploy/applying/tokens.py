"""Making, listing and ending tokens, and the list of what was applied. Documents go the way of every apply."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import get_args

import msgspec

from deploy.applying.authority import NotAllowed, Wish, authorised, signed
from deploy.applying.signing import Held, is_signed
from runtime.control import read_control, write_control
from runtime.environment.settings import KafkaSettings
from schemas.access.tokens import (
    Apply,
    Role,
    Token,
    applies_in,
    digest,
    is_id,
    signed_bytes,
    token_key,
    tokens_in,
)
from schemas.configuration.roles import ROLES
from schemas.control import ControlState


class Wanted(msgspec.Struct, frozen=True):
    """A token to make. `expires_at`: ms since 1970, 0 for never."""

    token: str
    role: Role
    expires_at: int = 0


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One apply of the history. `signature`: valid, unsigned, or what is wrong with it."""

    apply_id: str
    at: str
    token: str
    signature: str
    documents: list[str]


class History(msgspec.Struct, frozen=True):
    """The latest apply first. `unaccounted`: documents that no apply with a valid signature has left as they are."""

    applies: list[Told]
    unaccounted: list[str]


def wanted(name: str, role: str, expires_at: int) -> Wanted:
    """Of what was typed. Raises NotAllowed."""
    if not is_id(name):
        raise NotAllowed(
            f"--id {name!r} is no name of a token: a-z, 0-9, _ and -, at most 63 characters, such as jane"
        )
    if role not in get_args(Role):
        raise NotAllowed(f"--role {role!r} is none: there are {', '.join(get_args(Role))}")
    return msgspec.convert({"token": name, "role": role, "expires_at": expires_at}, Wanted)


def make_token(kafka: KafkaSettings, wanted: Wanted, seed: bytes, wish: Wish) -> str:
    """The text of a new token. Raises NotAllowed or KafkaUnavailable."""
    state = read_control(kafka, kafka.answer_timeout_s)
    held, known = Held(wanted.token, seed), tokens_in(state.documents)
    if wanted.token in known:
        raise NotAllowed(
            f"token {wanted.token} is there already, and is kept for its signatures: take another name"
        )
    made = Token(
        token=wanted.token,
        role=wanted.role,
        public_key=held.public_key,
        created_at=wish.at,
        expires_at=wanted.expires_at,
    )
    if not known:
        _refuse_as_first(wanted)
        wish = msgspec.structs.replace(wish, token="")
    _write(kafka, state, made, wish, first=None if known else held)
    return held.text


def revoke_token(kafka: KafkaSettings, name: str, wish: Wish) -> None:
    """Raises NotAllowed or KafkaUnavailable."""
    state = read_control(kafka, kafka.answer_timeout_s)
    known = tokens_in(state.documents)
    if name not in known:
        raise NotAllowed(f"there is no token {name}, but {', '.join(sorted(known)) or 'none at all'}")
    if known[name].revoked_at:
        raise NotAllowed(f"token {name} was revoked already")
    lasting = [each for each in known.values() if each.role == "admin" and not each.ended_at()]
    if [each.token for each in lasting] == [name]:
        raise NotAllowed(
            f"token {name} is the last admin that does not end: nobody could make another one; make one first"
        )
    _write(kafka, state, msgspec.structs.replace(known[name], revoked_at=wish.at), wish)


def tokens_of(kafka: KafkaSettings) -> list[Token]:
    found = tokens_in(read_control(kafka, kafka.answer_timeout_s).documents)
    return [found[name] for name in sorted(found)]


def history_of(kafka: KafkaSettings) -> History:
    return history(read_control(kafka, kafka.answer_timeout_s))


def history(state: ControlState) -> History:
    tokens, applies = tokens_in(state.documents), applies_in(state.documents)
    told = [_told(apply, tokens) for apply in applies]
    latest: dict[str, str | None] = {}
    for apply, each in zip(applies, told, strict=True):
        if each.signature == "valid":
            latest = apply.documents | latest
    kinds = tuple(f"{kind}/" for kind in ROLES)
    ours = {key: document for key, document in state.documents.items() if key.startswith(kinds)}
    unaccounted = sorted(key for key, document in ours.items() if latest.get(key) != digest(document))
    return History(told, unaccounted if tokens else [])


def _told(apply: Apply, tokens: dict[str, Token]) -> Told:
    at = datetime.fromtimestamp(apply.at / 1_000, UTC).isoformat(timespec="seconds") if apply.at else ""
    return Told(
        apply_id=apply.apply,
        at=at.replace("+00:00", "Z"),
        token=apply.token,
        signature=_judged(apply, tokens.get(apply.token)),
        documents=list(apply.documents),
    )


def _judged(apply: Apply, token: Token | None) -> str:
    if not apply.token and not apply.signature:
        return "unsigned"
    if token is None:
        return "of no token that is known"
    if not is_signed(token.public_key, apply.signature, signed_bytes(apply)):
        return "not by this token, or of other documents"
    ended = token.ended_at()
    return "after the token had ended" if ended and apply.at > ended else "valid"


def _refuse_as_first(wanted: Wanted) -> None:
    if wanted.role != "admin" or wanted.expires_at:
        raise NotAllowed(
            "the first token is an admin's and does not expire, or nobody could make another one: "
            "stitchline token --role admin --id NAME"
        )


def _write(
    kafka: KafkaSettings, state: ControlState, token: Token, wish: Wish, first: Held | None = None
) -> None:
    """The first token signs itself: there is nobody else."""
    records: dict[str, bytes | None] = {token_key(token.token): msgspec.json.encode(token)}
    if first is not None:
        records |= signed(state.documents, records, wish, first)
    else:
        records = authorised(state, state.updated(records.items()), records, wish)
    write_control(kafka, records, wish.apply_id)


def lines_of(tokens: Iterable[Token]) -> list[str]:
    return [f"{each.token:<20} {each.role:<7} {_state(each)}" for each in tokens]


def _state(token: Token) -> str:
    if token.revoked_at:
        return f"revoked {_day(token.revoked_at)}"
    return f"until {_day(token.expires_at)}" if token.expires_at else "valid"


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000, UTC).isoformat(timespec="minutes").replace("+00:00", "Z")
