"""What the pixel is told about its source, and how that is written in front of its scripts. Pure.

The text is public: anybody may fetch it, so nothing of it is a secret. It stands in a script, where JSON that looks harmless is
not: whatever could end a script element, a line or a comment is written as an escape, and no name sets a prototype. Absent: what
the pixel does with it (collector/pixel/config.ts).
"""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.pixel.pixel_events import PixelEvent, compact
from schemas.sources.sources import Privacy, Source

_ESCAPED = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&'`\x7f"})
# The one name that sets an object's prototype where it is written in a script. In front of a colon it can only be a name: within
# a text its quotes would be escaped.
_PROTOTYPE, _PLAIN_NAME = '"__proto__":', '["__proto__"]:'


def pixel_config(source: Source, key: str = "", parts: str = "") -> dict[str, Any]:
    """What the first script needs. Without `key` the page's snippet names it; `parts` is the version of the second one. What is
    default is left out."""
    said = {
        "key": key,
        "paths": _paths(source, parts),
        "parts": parts,
        "pages": source.pixel.pages,
        "domains": source.pixel.domains,
        "consent": msgspec.to_builtins(source.consent) if source.consent else None,
    }
    return _said(said) | _privacy(source.privacy)


def parts_config(source: Source, events: Sequence[PixelEvent]) -> dict[str, Any]:
    """What the second script needs: `events` are the source's definitions."""
    said = {
        "events": [compact(event) for event in events],
        "emails": "" if source.pixel.emails == "none" else source.pixel.emails,
        "domains": source.pixel.domains,
    }
    return _said(said)


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def prelude(config: dict[str, Any]) -> bytes:
    """The first script's first line, in ASCII."""
    return b"(window.stitchline=window.stitchline||{}).config=" + _literal(config) + b";\n"


def parts_prelude(config: dict[str, Any]) -> bytes:
    """The second script's; that one is a module."""
    return b"export default" + _literal(config) + b";\n"


def _literal(config: dict[str, Any]) -> bytes:
    plain = msgspec.json.decode(
        msgspec.json.encode(config)
    )  # infinity and the like, which JSON has not, are null then
    text = json.dumps(plain, separators=(",", ":")).translate(_ESCAPED)
    return text.replace(_PROTOTYPE, _PLAIN_NAME).encode("ascii")


def _paths(source: Source, parts: str) -> dict[str, str]:
    prefix = source.paths.calls
    if not prefix:
        return {}
    second = {"parts": f"{prefix}/parts/"} if parts else {}
    return {"batch": f"{prefix}/batch", "visitor": f"{prefix}/visitor", **second}


def _privacy(privacy: Privacy) -> dict[str, Any]:
    # Always: a pixel that is told nothing, as the one without a configuration, heeds Global Privacy Control.
    said: dict[str, Any] = {"gpc": privacy.gpc}
    if privacy.dnt != "ignore":
        said["dnt"] = privacy.dnt
    return said | ({"cookieless": True} if privacy.cookieless else {})
