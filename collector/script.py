"""The pixel as browsers fetch it: read once, compressed once, the same bytes for everybody.

An address without a version is asked for again after a while, and mostly browsers hear that nothing changed. Absent: what stands
before a script for one source (pixel_script.py), and how they are built (`npm run pixel`; the result is part of the package,
since an installation has no Node).
"""

import gzip
import hashlib
from pathlib import Path

from collector.replies import Reply

FILE = Path(__file__).parent / "static" / "pixel.js"
PARTS = FILE.with_name("pixel_parts.js")  # all that may come after it (pixel_parts.py)
FOR_EVER = "max-age=31536000, immutable"


def version_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


class Script:
    """Three replies, made at the start: plain, gzip, not modified."""

    def __init__(self, source: bytes, kept: str) -> None:
        """`kept` says for how long: `max-age=60`."""
        self._tag = f'"{version_of(source)}"'
        shared = (
            ("etag", "W/" + self._tag),
            ("cache-control", f"public, {kept}"),
            ("vary", "Accept-Encoding"),
            # Without it a page that isolates itself cannot load the script.
            ("cross-origin-resource-policy", "cross-origin"),
        )
        kind = (("content-type", "text/javascript; charset=utf-8"), ("x-content-type-options", "nosniff"))
        self._plain = Reply(200, source, (*kind, *shared))
        self._gzip = Reply(
            200, gzip.compress(source, mtime=0), (("content-encoding", "gzip"), *kind, *shared)
        )
        self._same = Reply(304, b"", shared)

    def reply(self, known_tags: str, encodings: str) -> Reply:
        """From the headers If-None-Match and Accept-Encoding. A proxy may have made the tag a weak one."""
        if self._tag in known_tags:
            return self._same
        return self._gzip if "gzip" in encodings else self._plain
