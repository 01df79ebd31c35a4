"""Where a link may lead: the address in it, read as browsers read it, and only to hosts that its source allows. Pure.

Whoever decides by another reading of an address than the one who follows it can be led astray. So the address is parsed by the
standard that browsers follow (WHATWG, in Ada), the decision is about the host of that, and the reply names the address as the
parser writes it, never as it came. What no honest link has is refused before: user names, backslashes, blanks and control
characters, escapes and letters beyond ASCII in a host, ports, a dot at its end, addresses without `//`.

Absent: whether the page is there, and whether the allowed hosts lead on to others: allow no host that does.
"""

import re
from collections.abc import Iterable, Sequence

import can_ada
import msgspec

from collector.rejection import Refusal
from schemas.events.reasons import Reason

TARGET_CHARACTERS_MAX = 4_096
LOOPBACK = ("localhost", "127.0.0.1")  # a developer's machine: there every port is the site

_SHAPE = re.compile(r"https?://(?P<authority>[^/?#\\]+)", re.IGNORECASE)
_NOBODY_WRITES = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


class Target(msgspec.Struct, frozen=True):
    """`address` is in ASCII, as a browser would write it."""

    address: str
    host: str

    def with_parameters(self, raw: Sequence[str]) -> str:
        """The address with these `name=value`, before its fragment."""
        if not raw:
            return self.address
        page, hash_sign, fragment = self.address.partition("#")
        mark = "?" if "?" not in page else "" if page.endswith(("?", "&")) else "&"
        more = "&".join(raw).encode("utf-8", "replace").decode()
        return str(can_ada.parse(f"{page}{mark}{more}{hash_sign}{fragment}").href)


def target_of(address: str, domains: Iterable[str]) -> Target | Refusal:
    """`domains` are the source's: a name, or `*.` and a name for all below it."""
    if not address:
        return _bad("the link names no address: write it percent-encoded as ?to=https%3A%2F%2F…")
    if len(address) > TARGET_CHARACTERS_MAX:
        return _bad(f"the address behind ?to= is longer than {TARGET_CHARACTERS_MAX} characters")
    shape = None if _NOBODY_WRITES.search(address) else _SHAPE.match(address)
    if shape is None:
        return _bad(
            "the address behind ?to= has to begin with https:// or http:// and a host, without blanks and backslashes: "
            "percent-encode it once"
        )
    host, _, port = shape["authority"].lower().partition(":")
    try:
        parsed = can_ada.parse(address)
    except ValueError:
        return _bad("the address behind ?to= is none that a browser opens")
    if not _HOST.fullmatch(host) or parsed.hostname != host or parsed.username or parsed.password:
        return _bad(
            "the address behind ?to= has a host that is not written plainly, as in https://shop.example/"
        )
    if (
        not _is_allowed(host, domains)
        or (parsed.port and host not in LOOPBACK)
        or (port and not port.isdigit())
    ):
        return Refusal(
            Reason.TARGET_NOT_ALLOWED,
            f"links of this source do not lead to {host}{':' + parsed.port if parsed.port else ''}: whoever runs the site "
            "lists the host under `redirect_domains` of the source (and no port)",
        )
    return Target(str(parsed.href), host)


def _is_allowed(host: str, domains: Iterable[str]) -> bool:
    return any(
        host == domain
        # Below a name nobody has looked at what such a label decodes to.
        or (
            domain.startswith("*.")
            and host.endswith(domain[1:])
            and "xn--" not in host.removesuffix(domain[1:])
        )
        for domain in domains
    )


def _bad(detail: str) -> Refusal:
    return Refusal(Reason.NO_TARGET, detail)
