"""What a page's address claims about its visitor: a signed link first, then plain parameters where the source takes them.

Signed: `_c` is a token of schemas/events/links.py, verified with the keys that the step was given, at the time of receipt.
Unsigned: contact_id or ecid, email or em, eh; anybody can write those, so they count only when the event's source accepts them.
In both cases the first usable value of each kind counts. Only the query is read: a fragment never reaches a server, so no mail
tool's redirect would keep it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote

import msgspec

from processors.events.authority import CONTACT
from processors.events.parsed import ParsedEvent
from schemas.events.links import CONTACT_ID, EMAIL_HASH, PARAMETER, LinkKey, SignedLink, open_token
from schemas.events.remarks import Remark
from schemas.identity.identifiers import EMAIL, EXTERNAL, normalise_email

Pair = tuple[str, str]  # kind, value in clear; for `EMAIL_HASH` the value is the hash
LinkKeys = Sequence[LinkKey]

PAGE_TYPES = frozenset({"page", "track", "screen"})

_PARAMETERS = {"contact_id": CONTACT_ID, "ecid": CONTACT_ID, "email": EMAIL, "em": EMAIL, "eh": EMAIL_HASH}
_SHA256 = re.compile(r"[0-9a-f]{64}")
# How mail tools write a placeholder. One that was not filled in would make one person of all who click.
_MERGE_TAG = re.compile(r"\*\||\{\{|\{%|%%|\[\[|\$\{|<%")


class Claims(msgspec.Struct, frozen=True, gc=False):
    pairs: list[Pair]
    remarks: list[Remark]


NONE = Claims([], [])


def claims(event: ParsedEvent, keys: LinkKeys) -> Claims:
    """At most one pair of each kind."""
    if not event.address or event.packed.type not in PAGE_TYPES:
        return NONE
    parameters = list(_parameters(event.address))
    signed, remarks = _signed(event, parameters, keys)
    unsigned = list(_unsigned(parameters))
    if not event.packed.unsigned_links and unsigned:
        unsigned, remarks = [], [*remarks, Remark.LINK_UNSIGNED]
    found: dict[str, str] = {}
    for kind, value in [*signed, *unsigned]:
        found.setdefault(kind, value)
    pairs = [_pair(kind, value) for kind, value in found.items()]
    if event.is_bots and pairs:  # a scanner opens a mail's links before its reader does
        others: list[Remark] = [remark for remark in remarks if remark != Remark.LINK_SIGNED]
        return Claims([], [*others, Remark.LINK_BY_BOT])
    return Claims(pairs, remarks)


def _parameters(address: str) -> Iterator[Pair]:
    """Name and value. "+" stays a plus here: addresses that have one are often pasted into links unescaped.

    Names are taken letter by letter (urlsplit would leave tabs and line ends out), so that none is read that addresses.py leaves.
    """
    query = address.partition("#")[0].partition("?")[2]
    for part in query.split("&"):
        name, _, raw = part.partition("=")
        if name == PARAMETER or name in _PARAMETERS:
            yield name, unquote(raw).strip()


def _signed(event: ParsedEvent, parameters: list[Pair], keys: LinkKeys) -> tuple[list[Pair], list[Remark]]:
    """Of the first token alone: a long address cannot keep a processor busy."""
    token = _first_token(parameters)
    if not token:
        return [], []
    link = open_token(token, event.packed.workspace, keys)
    if not isinstance(link, SignedLink):
        return [], [link]
    if not link.is_valid_at(event.received_at):
        return [], [Remark.LINK_EXPIRED]
    # Trimmed as every id is: who signs with an own program may have taken it from a file as it stood there.
    return [(link.claim.kind, link.claim.value.strip())], [Remark.LINK_SIGNED]


def token_in(address: str) -> str:
    """The token of an address that counts, "" without any."""
    return _first_token(_parameters(address))


def _first_token(parameters: Iterable[Pair]) -> str:
    return next((value for name, value in parameters if name == PARAMETER and value), "")


def _unsigned(parameters: list[Pair]) -> Iterator[Pair]:
    for name, raw in parameters:
        if (kind := _PARAMETERS.get(name)) and (value := _usable(kind, raw)):
            yield kind, value


def _usable(kind: str, value: str) -> str:
    if _MERGE_TAG.search(value):
        return ""
    if kind == EMAIL:
        return normalise_email(value)
    if kind == EMAIL_HASH:
        return value.lower() if _SHA256.fullmatch(value.lower()) else ""
    return value


def _pair(kind: str, value: str) -> Pair:
    return (EXTERNAL, f"{CONTACT}:{value}") if kind == CONTACT_ID else (kind, value)
