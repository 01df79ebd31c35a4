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

EXTERNAL_IDS_PER_EVENT_MAX = 16  # the first ones listed

PAGE_TYPES = frozenset({"page", "track", "screen"})

EMAIL_HASH = "eh"  # an e-mail known by its SHA-256 alone: parameter of a link, and kind of a pair below

_PARAMETERS = {"contact_id": CONTACT, "ecid": CONTACT, "email": EMAIL, "em": EMAIL, EMAIL_HASH: EMAIL_HASH}
_HINT = re.compile(r"[?&](?:contact_id|ecid|email|em|eh)=")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Identifier(msgspec.Struct, frozen=True, gc=False):
    """`value` is in clear, "" when only its hash is known; `kind` is one of schemas/identifiers.py."""

    kind: str
    value: str
    node: bytes


class Mentions(msgspec.Struct, frozen=True, gc=False):
    """Stated and claimed ids without blocked ones, by authority; the subject is one of them, else `m:<message id>`."""

    subject: bytes
    stated: tuple[Identifier, ...]
    claimed: tuple[Identifier, ...]

    def value_of(self, kind: str) -> str:
        """Of the first stated id of this kind, "" without one: what a blocked value becomes."""
        for identifier in self.stated:
            if identifier.kind == kind:
                return identifier.value
        return ""


def mentions(event: ParsedEvent, message_id: str) -> Mentions | None:
    """None when nothing says whose event this is. Blocked ids are not nothing: such an event is kept, alone."""
    workspace = event.packed.workspace
    stated, claimed = _stated(event), _claimed(event)
    if not stated and not claimed:
        return None
    kept = _identifiers(workspace, stated)
    claims = _without(_identifiers(workspace, claimed), kept) if claimed else ()
    return gathered(kept, claims, node_key(workspace, MESSAGE, message_id))


def gathered(stated: tuple[Identifier, ...], claimed: tuple[Identifier, ...], alone: bytes) -> Mentions:
    """`alone` is the subject when no id is left. The anonymous id comes last, so the first stated id is the subject."""
    first = stated or claimed
    return Mentions(first[0].node if first else alone, stated, claimed)


def person_id(value: str) -> str:
    """An identifier's value as stored: "" when it is blocked."""
    return "" if not value or is_blocked(value) else value


Pair = tuple[str, str]  # kind, value in clear; for `EMAIL_HASH` the value is the hash


def _stated(event: ParsedEvent) -> list[Pair]:
    """In order of authority, kind by kind."""
    call, context = event.call, event.context
    found: list[Pair] = []
    if user := text(call.user_id):
        found.append((USER, user))
    if "externalIds" in context:
        listed = external_ids(context)[:EXTERNAL_IDS_PER_EVENT_MAX]
        found += [(EXTERNAL, f"{kind}:{value}") for kind, value in listed]
    if event.packed.type == "identify" and (address := normalise_email(event.traits.get("email"))):
        found.append((EMAIL, address))
    if "traits" in context and (address := normalise_email(object_of(context["traits"]).get("email"))):
        found.append((EMAIL, address))
    if anonymous := text(call.anonymous_id):
        found.append((ANONYMOUS, anonymous))
    return found


def _claimed(event: ParsedEvent) -> list[Pair]:
    """The first usable value of each kind."""
    if not event.packed.unsigned_links or event.packed.type not in PAGE_TYPES:
        return []
    address = object_of(event.context.get("page")).get("url")
    if not isinstance(address, str) or not _HINT.search(address):
        return []
    found: dict[str, str] = {}
    for kind, value in _parameters(address):
        found.setdefault(kind, value)
    return [
        (EXTERNAL, f"{CONTACT}:{value}") if kind == CONTACT else (kind, value)
        for kind, value in found.items()
    ]


def _parameters(address: str) -> Iterator[Pair]:
    """ "+" stays a plus here: addresses that have one are often pasted into links unescaped."""
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
    if kind == EMAIL_HASH:
        return value.lower() if _SHA256.fullmatch(value.lower()) else ""
    return value


def _identifiers(workspace: str, pairs: list[Pair]) -> tuple[Identifier, ...]:
    """As nodes, the most authoritative first, without blocked values and repetitions."""
    usable = [found for pair in pairs if (found := _identifier(workspace, pair))]
    if len(usable) < 2 or (len(usable) == 2 and usable[1].kind == ANONYMOUS):
        return tuple(usable)  # in order already and of two kinds, as most events are
    nodes: dict[bytes, Identifier] = {}
    for found in usable:
        if found.value or found.node not in nodes:  # an address in clear says more than its hash
            nodes[found.node] = found
    return tuple(sorted(nodes.values(), key=_rank))


def _without(claims: tuple[Identifier, ...], stated: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
    nodes = {identifier.node for identifier in stated}
    return tuple(claim for claim in claims if claim.node not in nodes)


def _rank(identifier: Identifier) -> Rank:
    return rank(identifier.node)


def _identifier(workspace: str, pair: Pair) -> Identifier | None:
    kind, value = pair
    if is_blocked(value) or (kind == EXTERNAL and is_blocked(value.partition(":")[2])):
        return None
    if kind == EMAIL:
        return Identifier(EMAIL, value, node_key(workspace, EMAIL, hash_email(value)))
    if kind == EMAIL_HASH:
        return Identifier(EMAIL, "", node_key(workspace, EMAIL, value))
    return Identifier(kind, value, node_key(workspace, kind, value))
