"""Network addresses in what clients send: read, and cut down to what the deployment keeps of them.

`without_addresses` takes one packed event and gives it back with every member called `ip`, at any depth of its JSON, cut
down, and apart from it the address that `context.ip` had: geography is looked up by that. Whatever is stored or sent on is made
of what it gives back. Only texts (and lists of them) can be addresses; everything else in such a member stays.

Deliberately absent: addresses in members of other names and in the midst of texts: nobody could tell them from version numbers.
"""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Literal

import msgspec

import schemas.values.octets as octets
from schemas.events.pack import PackedEvent

Kept = Literal["none", "truncated", "full"]
Address = IPv4Address | IPv6Address

ADDRESS_CHARACTERS_MAX = 45  # of an IPv6 address with an IPv4 one in it
IPV4_KEPT_BITS = 24
IPV6_KEPT_BITS = 48
TEXTS_REMEMBERED_MAX = 4_096
ADDRESSES_MAX = 64  # of one text; a list of more is nobody's way through proxies

# A list ends behind its texts, whatever they hold. Nothing is tried twice (`++`): a text may be as long as an event.
_MEMBER = re.compile(rb'("ip"\s*:\s*)(\[(?:[^\[\]{}"]|"(?:[^"\\]|\\.)*+")*+\]|"(?:[^"\\]|\\.)*+")', re.DOTALL)
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
# Four numbers that no reader takes for an address, for what stands around them or their zeros; five are none.
_LOOSE = re.compile(r"(?<![0-9.])([0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3})\.[0-9]{1,3}(?![0-9.])")
_RUN = re.compile(r"[0-9A-Fa-f:.]{2,}")


class _Context(msgspec.Struct, gc=False):
    ip: Any = None


class _Call(msgspec.Struct, gc=False):
    context: _Context | None = None


_call = msgspec.json.Decoder(_Call).decode
_context = msgspec.json.Decoder(_Context).decode
_text = msgspec.json.Decoder(str).decode


def parsed_address(text: str) -> Address | None:
    """An IPv4 address within an IPv6 one counts as what it is."""
    if len(text) > ADDRESS_CHARACTERS_MAX:
        return None
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found if isinstance(found, IPv4Address) else found.ipv4_mapped or found


def cut(address: Address, kept: Kept) -> str:
    """As far as it is kept."""
    if kept == "none":
        return ""
    if kept == "truncated":
        lost = 32 - IPV4_KEPT_BITS if isinstance(address, IPv4Address) else 128 - IPV6_KEPT_BITS
        address = type(address)(int(address) >> lost << lost)
    return str(address)


def may_hold_address(packed: PackedEvent) -> bool:
    """Whether it has a member `ip`; escapes in its name, which no encoder of JSON writes, would hide it."""
    return octets.holds(packed.payload, b'"ip"', 2) or octets.holds(packed.context, b'"ip"', 2)


def without_addresses(packed: PackedEvent, kept: Kept) -> tuple[PackedEvent, str]:
    """The event without what is not kept, and the address that its context names, "" when it names none."""
    said = _said(packed.payload, packed.context)
    payload, context = without_addresses_in(packed.payload, kept), _cut_shared(packed.context, kept)
    return msgspec.structs.replace(packed, payload=payload, context=context), said


def _said(payload: bytes, shared: bytes) -> str:
    try:
        own = _call(payload).context
        named = own.ip if own is not None else (_context(shared).ip if shared else None)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""  # no object, or no JSON at all: whoever reads the event says so
    return named if isinstance(named, str) else ""


def without_addresses_in(document: bytes, kept: Kept) -> bytes:
    """JSON, be it one event or a request's whole body, with every member called `ip` cut down."""

    def cut_member(member: re.Match[bytes]) -> bytes:
        return member[1] + _TEXT.sub(lambda text: _cut_value(text[0], kept), member[2])

    return _MEMBER.sub(cut_member, document)


_cut_shared = lru_cache(1)(without_addresses_in)  # a batch's is the same one for each of thousands of events


def _cut_value(value: bytes, kept: Kept) -> bytes:
    """A JSON text. Whatever in it reads as an address is cut, with or without a port, alone or in a list."""
    return (_remembered if len(value) <= 2 * ADDRESS_CHARACTERS_MAX else _cut_anew)(value, kept)


def _cut_anew(value: bytes, kept: Kept) -> bytes:
    try:
        text = _text(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return value
    changed = _cut_runs(text, kept)
    return value if changed == text else msgspec.json.encode(changed)


_remembered = lru_cache(TEXTS_REMEMBERED_MAX)(_cut_anew)


def _cut_runs(text: str, kept: Kept) -> str:
    """Behind the first `ADDRESSES_MAX` whatever could be an address goes, unread: reading takes 8 us each."""
    left = ADDRESSES_MAX

    def cut_next(found: re.Match[str]) -> str:
        nonlocal left
        run = found[0]
        if "." not in run and ":" not in run:
            return run
        left -= 1
        return _cut_run(run, kept) if left >= 0 else ""

    return _RUN.sub(cut_next, text)


def _cut_run(run: str, kept: Kept) -> str:
    address = parsed_address(run)
    if address is None and run.count(":") == 1:
        address = parsed_address(run.partition(":")[0])
    if address is None and run[-1] in ".:":  # the end of a sentence
        address = parsed_address(run.rstrip(".:"))
    if address is None:
        return _LOOSE.sub("" if kept == "none" else r"\1.0", run)
    return cut(address, kept)
