"""Which dead letters speak of a person, and where else an identifier's value stands: patterns for ClickHouse's `match`. Pure.

A letter was refused, so nothing is known of it but its bytes. An address counts wherever it stands; any other id where it stands
like one: as a whole text of the JSON, as a parameter of an address, or as a number under a name that holds ids. That may hit a
letter of somebody else who has the same text somewhere; of two mistakes this is the better one.
"""

import re
from urllib.parse import quote

from schemas.identifiers import EMAIL, EXTERNAL, hash_email

_ID_NAMES = "userId|anonymousId|previousId|id|user_id|anonymous_id|previous_id|contact_id"


def letter_pattern(kind: str, value: str) -> str:
    """Of the payloads that belong to whoever has this identifier."""
    if kind == EMAIL:
        return anywhere(kind, value)
    bare = _escaped(_bare(kind, value))
    forms = [f'"\\s*{bare}\\s*"', f'[?&][A-Za-z_]+={bare}([&#"]|$)']
    if _bare(kind, value).isdecimal():
        forms.append(f'"({_ID_NAMES})"\\s*:\\s*{bare}\\s*[,}}\\]]')
    return "|".join(forms)


def anywhere(kind: str, value: str) -> str:
    """Of any text that holds the value as a word of its own; of an address also its escaped form and its hash."""
    if kind != EMAIL:
        return _word(_escaped(_bare(kind, value)))
    forms = {value, quote(value, safe=""), hash_email(value)}
    return "(?i)" + _word("|".join(_escaped(form) for form in sorted(forms)))


def _bare(kind: str, value: str) -> str:
    return value.partition(":")[2] if kind == EXTERNAL else value


def _escaped(text: str) -> str:
    """For RE2, which knows a backslash before punctuation only."""
    return re.sub(r"[^\w\s]", lambda found: "\\" + found[0], text)


def _word(pattern: str) -> str:
    return f"(^|[^A-Za-z0-9_@.+-])({pattern})([^A-Za-z0-9_@-]|$)"
