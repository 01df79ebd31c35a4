"""Which web pages may send: origins as a source's configuration writes them, compared with the one that a browser names. Pure.

`*` is any; `https://shop.example` is one, with its port where that is not the usual one; `https://*.shop.example` is every name
below that one, and not the name itself; without a scheme any scheme will do. Absent: what becomes of the others
(collector/admission.py).
"""

import re
from collections.abc import Iterable, Sequence

ANY = "*"
NULL = "null"  # what a browser names for a file, a sandboxed frame, a redirect from elsewhere

_USUAL_PORTS = (("https://", ":443"), ("http://", ":80"))
_PATTERN = re.compile(
    r"([a-z][a-z0-9+.-]*://)?(\*\.)?([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?"
)


def is_allowed(origin: str, allowed: Sequence[str]) -> bool:
    """`origin` as the header Origin has it."""
    if ANY in allowed or origin in allowed:
        return True
    scheme, _, host = origin.partition("://")
    return bool(host) and any(_matches(scheme, host, pattern) for pattern in allowed)


def _matches(scheme: str, host: str, pattern: str) -> bool:
    wanted, separator, name = pattern.partition("://")
    if not separator:
        wanted, name = "", pattern
    if wanted and wanted != scheme:
        return False
    return host.endswith(name[1:]) and len(host) >= len(name) if name.startswith("*.") else host == name


def refuse_bad_origins(source: str, allowed: Iterable[str]) -> None:
    """Raises ValueError for what no browser would ever name: it would shut its own pages out."""
    for origin in allowed:
        if usual := _usual_port(origin):
            raise ValueError(
                f"allowed_origins of source {source}: {origin!r} has the scheme's usual port, which no browser names: write "
                f"{origin.removesuffix(usual)}"
            )
        if origin not in (ANY, NULL) and not _PATTERN.fullmatch(origin):
            raise ValueError(
                f"allowed_origins of source {source}: {origin!r} is no origin: write scheme and host in small letters and "
                "nothing behind them, as https://shop.example, https://*.shop.example or *"
            )


def _usual_port(origin: str) -> str:
    """`:443` where that goes without saying; "" else."""
    return next(
        (port for scheme, port in _USUAL_PORTS if origin.startswith(scheme) and origin.endswith(port)), ""
    )


def origin_of(address: str) -> str:
    """Of a page's address, as in the header Referer; "" when it has none."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]*://)([^/?#@\s]+)(?=[/?#]|$)", address)
    return (found[1] + found[2]).lower() if found else ""
