"""What somebody means who types an identifier: kinds and values to look for, in the order in which they count. Pure.

With its kind: `user_id:42`, `email:ann@shop.example`, `anonymous_id:6f1c`, or the type of an external id (`contact_id:7`). In
short: `u:42`, `e:..`, `a:..`, `x:contact_id:7`. A profile id is 16 hexadecimal digits. Anything else is looked for as each of
these, and the first kind that has it is meant: a profile id, a user id, an e-mail address, an external id, an anonymous id.

Absent: whether anybody has it (people.py).
"""

import re

import msgspec

from schemas.identity.identifiers import ANONYMOUS, EMAIL, EXTERNAL, USER, normalise_email

CHARACTERS_MAX = 1_024

TYPES = {USER: "user_id", EMAIL: "email", ANONYMOUS: "anonymous_id"}
_KINDS = {name: kind for kind, name in TYPES.items()} | {kind: kind for kind in (USER, EMAIL, ANONYMOUS)}

_PROFILE_ID = re.compile(r"[0-9a-f]{16}")

FORMS = "write user_id:42, email:ann@shop.example, anonymous_id:6f1c, contact_id:7 (the type of an external id), or a profile id"


class NotAnIdentifier(ValueError):
    """The text has none of the forms; it says why, and quotes nothing."""


class Wanted(msgspec.Struct, frozen=True):
    """One kind of identifier and its value, as they stand in table `identifiers`."""

    kind: str
    value: str


class Asked(msgspec.Struct, frozen=True):
    """`node` is a profile's, if the text can be a profile id. `wanted` is in the order in which it counts."""

    node: int | None
    wanted: tuple[Wanted, ...]


def read(text: str) -> Asked:
    """Raises NotAnIdentifier."""
    plain = text.strip()
    if not plain:
        raise NotAnIdentifier(f"an empty identifier is nobody's: {FORMS}")
    if len(plain) > CHARACTERS_MAX:
        raise NotAnIdentifier(f"an identifier has at most {CHARACTERS_MAX} characters: {FORMS}")
    kind, colon, value = plain.partition(":")
    if colon and kind in _KINDS:
        return Asked(None, (_of_kind(_KINDS[kind], value.strip()),))
    if colon and kind == EXTERNAL:
        return Asked(None, (_external(value.strip()),))
    return Asked(int(plain, 16) if _PROFILE_ID.fullmatch(plain) else None, _bare(plain))


def typed(kind: str, value: str) -> tuple[str, str]:
    """Type and id as people know them, of a kind and value as they are stored."""
    if kind == EXTERNAL:
        name, _, identifier = value.partition(":")
        return name.replace("%3A", ":").replace("%25", "%"), identifier
    return TYPES.get(kind, kind), value


def _of_kind(kind: str, value: str) -> Wanted:
    found = normalise_email(value) if kind == EMAIL else value
    if not found:
        raise NotAnIdentifier(f"what follows {TYPES[kind]}: is no {TYPES[kind]}: {FORMS}")
    return Wanted(kind, found)


def _external(value: str) -> Wanted:
    if not all(value.partition(":")):
        raise NotAnIdentifier(f"an external id has a type and an id, as x:contact_id:7: {FORMS}")
    return Wanted(EXTERNAL, value)


def _bare(value: str) -> tuple[Wanted, ...]:
    address = normalise_email(value)
    return (
        Wanted(USER, value),
        *([Wanted(EMAIL, address)] if address else []),
        *([Wanted(EXTERNAL, value)] if ":" in value else []),
        Wanted(ANONYMOUS, value),
    )
