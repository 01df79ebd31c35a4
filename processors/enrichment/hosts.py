"""Host names: of an address, the site's own name in them, and which of a list's names fits one.

Names are lower-case and in ASCII (xn--), as browsers write them. Where a site's own name begins says the Public Suffix List.
Deliberately absent: whether a name exists.
"""

import re
from collections.abc import Iterator
from functools import cache

from publicsuffixlist import PublicSuffixList

HOST_CHARS_MAX = 253
_SCHEMES = frozenset({"http", "https", "android-app", "ios-app"})
_END = re.compile(r"[/?#\\]")
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")
_NUMBERS = re.compile(r"[0-9.]+")


def host_of(address: str) -> str:
    """The host of an address, without port and credentials, "" when there is none or it is no page's."""
    scheme, separator, rest = address.partition("://")
    if not separator or scheme.strip().lower() not in _SCHEMES:
        return ""
    authority = _END.split(rest, maxsplit=1)[0].rpartition("@")[2]
    if authority[:1] == "[":
        return authority.partition("]")[0][1:].lower()[:HOST_CHARS_MAX]
    return ascii_host(authority.partition(":")[0])


def ascii_host(name: str) -> str:
    """As it is compared, "" when it is no host's name."""
    name = name.strip().rstrip(".").lower()
    if len(name) > HOST_CHARS_MAX:
        return ""
    if not name.isascii():
        try:
            name = name.encode("idna").decode()
        except UnicodeError:
            return ""
    return name if _NAME.fullmatch(name) else ""


def site_of(host: str) -> str:
    """The name under which a site is registered, that of a shop on a platform that has many being one: two hosts that have the
    same one belong together. A host that has none, such as a number, is its own."""
    if _NUMBERS.fullmatch(host):
        return host
    return _every_suffix().privatesuffix(host) or host


def is_registrys(name: str) -> bool:
    """Whether anybody may register a name right below this one, as below `com` or `co.uk`; below `localhost` nobody does."""
    return _known_registries().publicsuffix(name) == name


def names_of(host: str) -> Iterator[str]:
    """The names in a list that fit a host, the longest first: each domain above it, itself and then under any public suffix."""
    suffix = _registries_suffixes().publicsuffix(host) or ""
    stem = host.removesuffix("." + suffix)
    if stem == host:
        yield host
        return
    while stem:
        yield f"{stem}.{suffix}"
        yield f"{stem}.*"
        stem = stem.partition(".")[2]


@cache
def _every_suffix() -> PublicSuffixList:
    return PublicSuffixList()


@cache
def _registries_suffixes() -> PublicSuffixList:
    """Without those of platforms, where anybody may be called like somebody else."""
    return PublicSuffixList(only_icann=True)


@cache
def _known_registries() -> PublicSuffixList:
    """Without those that the list does not know, of which a network of one's own may be made."""
    return PublicSuffixList(only_icann=True, accept_unknown=False)
