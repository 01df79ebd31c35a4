"""Shapes of texts that people write into files, each with the words that an error has in place of its pattern. Pure."""

import re
from typing import Any, Final

import msgspec

_WORDS: Final[dict[str, str]] = {}  # by the pattern as msgspec quotes it
_QUOTED: Final = re.compile(r"""`str` matching regex ('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")


def shaped(pattern: str, words: str, **limits: Any) -> msgspec.Meta:
    """`words` stand behind "Expected": what fulfils the pattern, with an example where it helps."""
    _WORDS[repr(pattern)] = words
    return msgspec.Meta(pattern=pattern, **limits)


def in_words(error: Exception) -> str:
    """An error of msgspec as somebody who knows no patterns can read it."""
    return _QUOTED.sub(lambda quoted: _WORDS.get(quoted[1], quoted[0]), str(error))
