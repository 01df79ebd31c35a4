"""Which characters a source's keys may have: those that get through everywhere a key stands. Pure.

A key is the name of HTTP's Basic authentication, which ends at a colon; it stands in pages, in addresses and in programs, where
quotes and brackets end it, too; and a header holds no character beyond ASCII. Absent: how long a key is, and that a
space at its ends counts for nothing (sources.py).
"""

import re
from collections.abc import Iterable

_ODD = re.compile(r"[^ -~]|[:<>\"'&`\\]")


def refuse_odd_keys(source: str, keys: Iterable[str]) -> None:
    """Raises ValueError; a key is a secret, so the text names the character alone."""
    for key in keys:
        if found := _ODD.search(key):
            raise ValueError(
                f"a key of source {source} has the character {found[0]!a}, which does not get through every header, page "
                "and address that a key stands in: use letters of ASCII, digits and . _ ~ -"
            )
