"""The pixel as browsers fetch it: read once, compressed once, the same bytes for everybody.

Its address has no version, so browsers ask again after `max_age_s`, and mostly hear that nothing changed. Absent: what stands
before it for one source (pixel_script.py), and how it is built (`npm run pixel`; the result is part of the package, since an
installation has no Node).
"""

import gzip
import hashlib
from pathlib import Path

from collector.replies import Reply

FILE = Path(__file__).parent / "static" / "pixel.js"
WHOLE = FILE.with_name("pixel_parts.js")  # all that it can do, for sources that need more (pixel_parts.py)


class Script:
    """Three replies, made at the start: plain, gzip, not modified."""

    def __init__(self, source: bytes, max_age_s: int) -> None:
        self._tag = f'"{hashlib.sha256(source).hexdigest()[:16]}"'
        shared = (
            ("etag", "W/" + self._tag),
            ("cache-control", f"public, max-age={max_age_s}"),
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
