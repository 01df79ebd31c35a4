"""What an ad blocker does with its lists: rules of the usual syntax, as patterns that the browser's driver applies.

The list is ours: of the shapes that public lists against tracking have, each with examples. Deliberately absent: exceptions
(`@@`), options beyond the kinds of requests and `third-party`, and rules that hide elements.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

LIST = Path(__file__).with_name("blocklist.txt")
COMMENT = "!"
FOREIGN = "third-party"
# The options' names for what the browser calls otherwise.
KINDS = {"script": ["script"], "image": ["image"], "ping": ["ping"], "xmlhttprequest": ["xhr", "fetch"]}
SEPARATOR = r"(?:[^\w.%-]|$)"


class Rule(msgspec.Struct, frozen=True):
    """`pattern` is a regular expression for a whole address; empty `kinds` are all; `foreign`: other sites' requests alone."""

    pattern: str
    kinds: Sequence[str] = ()
    foreign: bool = False


def usual_list() -> list[Rule]:
    lines = (line.strip() for line in LIST.read_text().splitlines())
    return [rule_of(line) for line in lines if line and not line.startswith(COMMENT)]


def rule_of(line: str) -> Rule:
    """`||host^path*rest$script,third-party`"""
    text, _, options = line.partition("$")
    names = [name for name in options.split(",") if name]
    kinds = [kind for name in names if name != FOREIGN for kind in KINDS[name]]
    return Rule(_pattern(text), kinds, FOREIGN in names)


def _pattern(text: str) -> str:
    start, text = (r"^https?://([^/]*\.)?", text[2:]) if text.startswith("||") else ("", text)
    end, text = ("$", text[:-1]) if text.endswith("|") else ("", text)
    special = {"*": ".*", "^": SEPARATOR}
    return start + "".join(special.get(letter, re.escape(letter)) for letter in text) + end
