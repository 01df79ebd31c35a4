"""CSS selectors, as far as a server can judge them: quotes and brackets that close, no empty part, nothing of a style sheet.

Deliberately absent: which pseudo-classes there are. Browsers learn new ones every year, and a selector that works on the site
is not to be refused here; one that a browser does not know is told on its console, and its event never fires.
"""

import re
from typing import Final

SELECTOR_CHARS_MAX: Final = 500

_STRING_OR_ESCAPE = re.compile(r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\\[^\n]""")
_INNERMOST = re.compile(r"\([^()\[\]]*\)|\[[^()\[\]]*\]")
_COMBINATORS_AT_AN_END = re.compile(r"[>+~]\s*\Z|\A\s*[>+~]|[>+~]\s*[>+~]")
_NO_SELECTOR = re.compile(r"[{};@<!$%^&?/]")


def why_no_selector(text: str) -> str:
    """What is wrong with it and how to mend that; "" when nothing is, as far as can be seen."""
    if len(text) > SELECTOR_CHARS_MAX:
        return f"has {len(text)} characters, at most {SELECTOR_CHARS_MAX}: give the element an attribute of its own"
    plain = _STRING_OR_ESCAPE.sub("x", text)
    if '"' in plain or "'" in plain:
        return "has a quote that is never closed"
    outside = plain
    while (shorter := _INNERMOST.sub("x", outside)) != outside:
        outside = shorter
    if re.search(r"[()\[\]]", outside):
        return "has a bracket that is never closed or opened"
    if found := _NO_SELECTOR.search(outside):
        return f"has {found.group()!r}, which no selector has outside quotes: put a backslash before it"
    if not all(part.strip() for part in outside.split(",")):
        return "has an empty part: take the comma out that has nothing beside it"
    if any(_COMBINATORS_AT_AN_END.search(part) for part in outside.split(",")):
        return "has a combinator with nothing beside it: name both elements, as in `form > button`"
    return ""
