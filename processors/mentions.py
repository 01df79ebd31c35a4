"""Whom an event speaks of: its identifiers as nodes, the one it is stored under, and the claims that its page
address makes.

*Stated* ids stand in the call: userId, external ids, e-mail, anonymousId. *Claimed* ids stand in the query of the
page's address, and count only when the event's source accepts unsigned links: anybody can write them. An e-mail is
read from `traits.email` of identify and from `context.traits.email`, never from `properties` or from a group's
traits: those are other people's addresses.

Deliberately absent: signed links; stripping of the address that is stored.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import msgspec

from processors.authority import CONTACT, Rank, rank
from processors.blocked import is_blocked
from processors.parsed import ParsedEvent, object_of
from schemas.identifiers import (
    ANONYMOUS,
    EMAIL,
    EXTERNAL,
    MESSAGE,
    USER,
    external_ids,
    hash_email,
    node_key,
    normalise_email,
    text,
)

IDENTIFIERS_PER_EVENT_MAX = 32  # those with the most authority are kept

PAGE_TYPES = frozenset({"page", "track", "screen"})

_PARAMETERS = {"contact_id": CONTACT, "ecid": CONTACT, "email": EMAIL, "em": EMAIL, "eh": "eh"}
_HINT = re.compile(r"[?&](?:contact_id|ecid|email|em|eh)=")
_EMAIL_HASH = re.compile(r"[0-9a-f]{64}")


class Identifier(msgspec.Struct, frozen=True, gc=False):
    """`value` is in clear, "" when only its hash is known; `kind` is one of schemas/identifiers.py."""

    kind: str
    value: str
    node: bytes


class Mentions(msgspec.Struct, frozen=True):
    """Stated and claimed ids without blocked ones, by authority; the subject is one of them, else `m:<message id>`."""

    subject: bytes
    stated: tuple[Identifier, ...]
    claimed: tuple[Identifier, ...]


def mentions(event: ParsedEvent, message_id: str) -> Mentions | None:
    """None when nothing says whose event this is. Blocked ids are not nothing: such an event is kept, alone."""
    workspace = event.packed.workspace
    stated = list(_stated(event))
    claimed = list(_claimed(event)) if event.packed.unsigned_links and event.packed.type in PAGE_TYPES else []
    if not stated and not claimed:
        return None
    kept = _sorted(workspace, stated)
    claims = tuple(
        found for found in _sorted(workspace, claimed) if found.node not in {known.node for known in kept}
    )
    return Mentions(_subject(kept, claims) or node_key(workspace, MESSAGE, message_id), kept, claims)


def person_id(value: str) -> str:
    """An identifier's value as stored: "" when it is blocked."""
    return "" if is_blocked(value) else value


Pair = tuple[str, str]  # kind, value in clear; for the kind `eh` the value is an e-mail's hash


def _stated(event: ParsedEvent) -> Iterator[Pair]:
    call, context = event.call, event.context
    if user := text(call.user_id):
        yield USER, user
    if anonymous := text(call.anonymous_id):
        yield ANONYMOUS, anonymous
    if "externalIds" in context:
        for kind, value in external_ids(context):
            yield EXTERNAL, f"{kind}:{value}"
    if event.packed.type == "identify" and (address := normalise_email(event.traits.get("email"))):
        yield EMAIL, address
    if address := normalise_email(object_of(context.get("traits")).get("email")):
        yield EMAIL, address


def _claimed(event: ParsedEvent) -> Iterator[Pair]:
    """The first usable value of each kind. "+" is not a blank here: addresses with a plus are pasted into links unescaped."""
    address = object_of(event.context.get("page")).get("url")
    if not isinstance(address, str) or not _HINT.search(address):
        return
    found: dict[str, str] = {}
    for kind, value in _parameters(address):
        found.setdefault(kind, value)
    for kind, value in found.items():
        yield (EXTERNAL, f"{CONTACT}:{value}") if kind == CONTACT else (kind, value)


def _parameters(address: str) -> Iterator[Pair]:
    try:
        query = urlsplit(address).query
    except ValueError:  # for example "http://[": no address at all
        return
    for part in query.split("&"):
        name, _, raw = part.partition("=")
        if (kind := _PARAMETERS.get(name)) and (value := _usable(kind, unquote(raw).strip())):
            yield kind, value


def _usable(kind: str, value: str) -> str:
    if kind == EMAIL:
        return normalise_email(value)
    if kind == "eh":
        return value.lower() if _EMAIL_HASH.fullmatch(value.lower()) else ""
    return value


def _sorted(workspace: str, pairs: list[Pair]) -> tuple[Identifier, ...]:
    """As nodes, the most authoritative first, without blocked values and repetitions."""
    if len(pairs) == 1:
        found = _identifier(workspace, pairs[0])
        return (found,) if found else ()
    nodes: dict[bytes, Identifier] = {}
    for found in (_identifier(workspace, pair) for pair in pairs):
        if found and (found.value or found.node not in nodes):  # an address in clear says more than its hash
            nodes[found.node] = found
    return tuple(sorted(nodes.values(), key=_rank)[:IDENTIFIERS_PER_EVENT_MAX])


def _rank(identifier: Identifier) -> Rank:
    return rank(identifier.node)


def _identifier(workspace: str, pair: Pair) -> Identifier | None:
    kind, value = pair
    if is_blocked(value.partition(":")[2] if kind == EXTERNAL else value) or (
        kind == EXTERNAL and is_blocked(value)
    ):
        return None
    if kind == EMAIL:
        return Identifier(EMAIL, value, node_key(workspace, EMAIL, hash_email(value)))
    if kind == "eh":
        return Identifier(EMAIL, "", node_key(workspace, EMAIL, value))
    return Identifier(kind, value, node_key(workspace, kind, value))


def _subject(stated: tuple[Identifier, ...], claimed: tuple[Identifier, ...]) -> bytes:
    """The anonymous id comes last among the stated ones, so the first stated id is the subject."""
    first = stated or claimed
    return first[0].node if first else b""
