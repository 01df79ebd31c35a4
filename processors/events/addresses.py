"""Page addresses without the parameters that name people: what is stored of an address never says who came by it.

`without_identity` takes the JSON text of an event. In members whose name ends in url, uri, href, link, search, query, referrer,
referer, path or location, at any depth, the parameters contact_id, ecid, email, em, eh, _c and _sl are taken out, with their
separator: of the query, of the fragment, and of addresses within other parameters' values, encoded once or twice; whatever
the case of the name, also with its letters percent-encoded, and behind `&amp;`. Every other character of the text stays.

`may_name_people` is one quick look at the whole text, which is all that nearly every event pays.

Deliberately absent: parameters of other names, path segments, and addresses in members of other names: whether those name
people, nobody can tell from here.
"""

import re
from collections.abc import Callable, Iterator

import schemas.values.octets as octets

IDENTITY_PARAMETERS = ("contact_id", "ecid", "email", "em", "eh", "_c", "_sl")

_ENCODED_DEPTH_MAX = 2
_STRING = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
# Every string is matched from quote to quote, also one that names no member: a search that went on within it would take what
# stands between two strings for one, and would look at a string of escaped quotes once for each of them.
_STRING_OR_MEMBER = re.compile(rf"{_STRING}(?:\s*:\s*{_STRING})?", re.DOTALL)
_ADDRESS_NAME = re.compile(
    r"(?:url|uri|href|link|search|query|referrer|referer|path|location)\Z", re.IGNORECASE | re.ASCII
)
_UNIT = re.compile(r"\\u[0-9a-fA-F]{4}|\\.|[^\\]", re.DOTALL)
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def _letter(letter: str) -> str:
    """As it stands, or percent-encoded (in both cases, so 4 or 6, 5 or 7 may come first)."""
    high, low = divmod(ord(letter), 16)
    return f"(?:{letter}|%(?:25)?[{high:x}{high ^ 2 if letter.isalpha() else high:x}]{low:x})"


def _level(depth: int) -> re.Pattern[str]:
    """Runs of identity parameters in an address that is encoded so many times: start, parameters, separator behind them."""
    percent = "%" + "25" * (depth - 1)
    ends = [(f"{percent[: 1 + 2 * d]}26", f"{percent[: 1 + 2 * d]}23") for d in range(depth)]
    starts = "[?&#;]|^" if not depth else "|".join(percent + code for code in ("3f", "26", "23", "3b"))
    separator = "&" if not depth else f"{percent}26"
    other_ends = "|".join(end for pair in ends for end in pair)
    value = f"(?:(?!{other_ends})[^&#])*" if depth else "[^&#]*"
    name = "|".join("".join(map(_letter, name)) for name in IDENTITY_PARAMETERS)
    parameter = f"(?:{name})(?:=|%(?:25)?3d){value}"
    return re.compile(
        f"({starts})({parameter}(?:{separator}{parameter})*)({separator})?", re.IGNORECASE | re.ASCII
    )


_LEVELS = [_level(depth) for depth in range(_ENCODED_DEPTH_MAX + 1)]


def _after_name(equals: str) -> str:
    """`equals` behind one of the names, which begins there: not behind `item`. The pattern begins with a literal character,
    which makes the search ten times faster."""
    before = ("[^a-z0-9_-]", "3f", "26", "23", "3b")
    behind = (f"(?<={start}{name}{equals})" for name in IDENTITY_PARAMETERS for start in before)
    last = "".join(
        sorted({name[-1] for name in IDENTITY_PARAMETERS})
    )  # of nearly all other names the letter tells
    return f"{equals}(?<=[{last}]{equals})(?:{'|'.join(behind)})"


def _search(*patterns: str) -> Callable[[bytes], re.Match[bytes] | None]:
    return re.compile("|".join(patterns).encode(), re.IGNORECASE).search


_NAMES = tuple(name.encode() for name in IDENTITY_PARAMETERS)
_NAME_BYTES_MAX = max(map(len, _NAMES))
_EQUALS, _PERCENT, _BACKSLASH = b"=%\\"
_plain = _search(_after_name("="))
_encoded = _search(
    _after_name("%3d"),
    _after_name("%253d"),
    "%(?:25)?(?:4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9a])",  # an encoded letter or underscore
)
# An ASCII character that need not be escaped, as some encoders of JSON write = and &.
_escaped = _search(r"\\u00[2-7]")


def may_name_people(document: bytes) -> bool:
    """Whether the JSON text of an event can hold an identity parameter; false is certain.

    A look for one character first: a pattern that begins with several takes twenty times as long to find none.
    """
    return bool(
        (_is_named_before_equals(document) and _plain(document))
        or (octets.place_of(document, _PERCENT, 0) >= 0 and _encoded(document))
        or (octets.place_of(document, _BACKSLASH, 0) >= 0 and _escaped(document))
    )


def _is_named_before_equals(document: bytes) -> bool:
    """Whether an = follows the letters of a name: the pattern takes twenty times as long for those that do not."""
    octet = document  # where this is C, its first byte's address
    at = octets.place_of(document, _EQUALS, 0)
    while at > 0:
        if octet[at - 1] in b"cdhlmCDHLM" and _ends_with_a_name(document, at):
            return True
        at = octets.place_of(document, _EQUALS, at + 1)
    return False


def _ends_with_a_name(document: bytes, at: int) -> bool:
    """What stands before `at`."""
    return document[max(0, at - _NAME_BYTES_MAX) : at].lower().endswith(_NAMES)


def without_identity(document: str) -> str:
    """The JSON text of an event without identity parameters in its addresses; else the very same text."""
    return _STRING_OR_MEMBER.sub(_stripped_member, document)


def _stripped_member(member: re.Match[str]) -> str:
    name, address = member.groups()
    if not address or not _ADDRESS_NAME.search(_text(_units(name))):
        return member.group()
    start = member.start()
    return member.group()[: member.start(2) - start] + _stripped(address) + '"'


def _stripped(address: str) -> str:
    units = _units(address)
    for level in _LEVELS:
        kept: list[str] = []
        at = 0
        for start, end in _spans(level, _text(units)):
            kept += units[at:start]
            at = end
        units = kept + units[at:]
    return "".join(units)


def _units(inside: str) -> list[str]:
    """The inside of a JSON string, character by character, each as it is written there."""
    return _UNIT.findall(inside) if "\\" in inside else list(inside)


def _text(units: list[str]) -> str:
    return "".join(map(_character, units))


def _character(unit: str) -> str:
    if len(unit) == 1:
        return unit
    return chr(int(unit[2:], 16)) if unit[1] == "u" else _ESCAPES.get(unit[1], unit[1])


def _spans(level: re.Pattern[str], address: str) -> Iterator[tuple[int, int]]:
    """What goes: the parameters, and of the separators around them one, so that what follows a ? or # still does."""
    for found in level.finditer(address):
        is_first = found.group(1)[-2:].lower() in ("", "?", "#", "3f", "23")
        if found.group(3) and is_first:
            yield found.end(1), found.end()
        else:
            yield found.start(), found.end(2)
