"""Whom an event speaks of: its identifiers as nodes, the one it is stored under, and the claims that its page
address makes.

*Stated* ids stand in the call: userId, external ids, e-mail, anonymousId. *Claimed* ids stand in the query of the
page's address, signed or, where the source takes them so, unsigned (links.py). An e-mail is read from `traits.email` of
identify and from `context.traits.email`, where there is none its hash from `email_sha256` beside it; never from `properties` or
from a group's traits: those are other people's addresses. What was left aside, and why, is told in `remarks`.
"""

import re
from typing import Any

from processors.events.authority import Rank, rank
from processors.events.blocked import is_blocked, why_blocked
from processors.events.links import Claims, LinkKeys, Pair, claims
from processors.events.parsed import ParsedEvent, object_of
from schemas.events.links import EMAIL_HASH
from schemas.events.remarks import Remark
from schemas.identity.identifiers import (
    ANONYMOUS,
    EMAIL,
    EXTERNAL,
    MESSAGE,
    USER,
    external_ids,
    hash_email,
    node_id,
    node_key,
    normalise_email,
    text,
)

EXTERNAL_IDS_PER_EVENT_MAX = 16  # the first ones listed

_NO_EMAIL = (EMAIL, "")  # an e-mail that is none
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Identifier:
    """`value` is in clear, "" when only its hash is known; `kind` is one of schemas/identity/identifiers.py. Never changed."""

    __slots__ = ("kind", "node", "value")

    def __init__(self, kind: str, value: str, node: bytes) -> None:
        self.kind = kind
        self.value = value
        self.node = node


class Mentions:
    """Stated and claimed ids without blocked ones, by authority; the subject is one of them, else `m:<message id>`.

    Never changed.
    """

    __slots__ = ("claimed", "remarks", "stated", "subject")

    def __init__(
        self,
        subject: bytes,
        stated: tuple[Identifier, ...],
        claimed: tuple[Identifier, ...],
        remarks: tuple[Remark, ...] = (),
    ) -> None:
        self.subject = subject
        self.stated = stated
        self.claimed = claimed
        self.remarks = remarks


def mentions(event: ParsedEvent, message_id: str, link_keys: LinkKeys = ()) -> Mentions | None:
    """None when nothing says whose event this is. Blocked ids are not nothing: such an event is kept, alone."""
    stated = _stated(event)
    kept = _identifiers(event.packed.workspace, stated)
    if (
        kept
        and len(kept) == len(stated)
        and event.packed.type != "alias"
        and (not event.address or _is_nameless(event))
    ):
        first = kept[0]
        return Mentions(first.node, kept, ())  # nearly always
    return _with_claims(event, (stated, kept), message_id, claims(event, link_keys))


def _is_nameless(event: ParsedEvent) -> bool:
    """Whether it was taken without a cookie: then a link that it came by names nobody."""
    seen = event.packed.seen
    return seen is not None and "cookieless" in seen.signals


def _with_claims(
    event: ParsedEvent, given: tuple[list[Pair], tuple[Identifier, ...]], message_id: str, claimed: Claims
) -> Mentions | None:
    """`given` is what the call states, and what of it counts."""
    (stated, kept), workspace = given, event.packed.workspace
    claimants = _without(_identifiers(workspace, claimed.pairs), kept)
    is_said = any(value for _, value in (*stated, *claimed.pairs)) or Remark.LINK_BY_BOT in claimed.remarks
    if not kept and not claimants and not is_said:
        return None
    remarks = _remarks([*stated, *claimed.pairs, *_previous(event)], claimed)
    return gathered(kept, claimants, alone(event, message_id), remarks)


def alone(event: ParsedEvent, message_id: str) -> bytes:
    """The subject of an event that is nobody's: itself."""
    return node_key(event.packed.workspace, MESSAGE, message_id)


def gathered(
    stated: tuple[Identifier, ...],
    claimed: tuple[Identifier, ...],
    alone: bytes,
    remarks: tuple[Remark, ...] = (),
) -> Mentions:
    """`alone` is the subject when no id is left. The anonymous id comes last, so the first stated id is the subject."""
    first = stated or claimed
    if not first:
        return Mentions(alone, stated, claimed, remarks)
    subject = first[0]
    return Mentions(subject.node, stated, claimed, remarks)


def nodes_of(identifiers: tuple[Identifier, ...], hash_key: bytes) -> list[int]:
    """Their node ids."""
    nodes: list[int] = []
    for found in identifiers:
        node = found.node
        nodes.append(node_id(node, hash_key))
    return nodes


def person_id(value: str) -> str:
    """An identifier's value as stored: "" when it is blocked."""
    return "" if not value or is_blocked(value) else value


def _stated(event: ParsedEvent) -> list[Pair]:
    """In order of authority, kind by kind."""
    call, context = event.call, event.context
    found: list[Pair] = []
    if call.user_id is not None and (user := text(call.user_id)):
        found.append((USER, user))
    if "externalIds" in context:
        listed = external_ids(context)[:EXTERNAL_IDS_PER_EVENT_MAX]
        found += [(EXTERNAL, f"{kind}:{value}") for kind, value in listed]
    if event.packed.type == "identify":
        found += _email(event.traits)
    if "traits" in context:
        found += _email(object_of(context["traits"]))
    if call.anonymous_id is not None and (anonymous := text(call.anonymous_id)):
        found.append((ANONYMOUS, anonymous))
    return found


def _previous(event: ParsedEvent) -> list[Pair]:
    """The id that an alias speaks of besides its own ones: for what is told of it alone."""
    previous = text(event.call.previous_id) if event.packed.type == "alias" else ""
    return [(USER, previous)] if previous else []


def _email(traits: dict[str, Any]) -> list[Pair]:
    value = traits.get("email")
    if not value:
        return _hashed_email(traits)
    address = normalise_email(value)
    return [(EMAIL, address) if address else _NO_EMAIL]


def _hashed_email(traits: dict[str, Any]) -> list[Pair]:
    """Of an address that its sender did not want to tell: as `eh` in a link (schemas/identity/identifiers.py: hash_email)."""
    value = traits.get("email_sha256")
    if not value:
        return []
    is_one = isinstance(value, str) and _SHA256.fullmatch(value.strip().lower())
    return [(EMAIL_HASH, value.strip().lower()) if is_one else _NO_EMAIL]


def _identifiers(workspace: str, pairs: list[Pair]) -> tuple[Identifier, ...]:
    """As nodes, the most authoritative first, without blocked values and repetitions."""
    usable: list[Identifier] = []
    for kind, value in pairs:
        if (usual := _identifier(workspace, kind, value)) is not None:
            usable.append(usual)
    if len(usable) < 2:
        return tuple(usable)
    second = usable[1]
    if len(usable) == 2 and second.kind == ANONYMOUS:
        return tuple(usable)  # in order already and of two kinds, as most events with two are
    nodes: dict[bytes, Identifier] = {}
    for found in usable:
        if found.value or found.node not in nodes:  # an address in clear says more than its hash
            nodes[found.node] = found
    return tuple(sorted(nodes.values(), key=_rank))


def _without(claims: tuple[Identifier, ...], stated: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
    nodes = {identifier.node for identifier in stated}
    return tuple(claim for claim in claims if claim.node not in nodes)


def _remarks(pairs: list[Pair], claimed: Claims) -> tuple[Remark, ...]:
    """Each once: what links said, and why ids were left aside. An id that is there twice is no reason."""
    found = dict.fromkeys(claimed.remarks)
    for kind, value in pairs:
        if (kind, value) == _NO_EMAIL:
            found[Remark.EMAIL_MALFORMED] = None
        elif remark := _why_ignored(kind, value):
            found[remark] = None
    return tuple(found)


def _why_ignored(kind: str, value: str) -> Remark | None:
    return why_blocked(value) or (why_blocked(value.partition(":")[2]) if kind == EXTERNAL else None)


def _rank(identifier: Identifier) -> Rank:
    return rank(identifier.node)


def _identifier(workspace: str, kind: str, value: str) -> Identifier | None:
    if is_blocked(value) or (kind == EXTERNAL and is_blocked(value.partition(":")[2])):
        return None
    if kind == EMAIL:
        return Identifier(EMAIL, value, node_key(workspace, EMAIL, hash_email(value)))
    if kind == EMAIL_HASH:
        return Identifier(EMAIL, "", node_key(workspace, EMAIL, value))
    return Identifier(kind, value, node_key(workspace, kind, value))
