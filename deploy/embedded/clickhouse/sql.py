"""Which bytes of a request are SQL and which are the data of an INSERT, as ClickHouse draws the line. Pure.

Not a parser: tokens at the outermost level, comments and strings skipped, are enough to find FORMAT and VALUES.
Everything else about a statement, its mistakes included, is the engine's business.
"""

import re
from collections.abc import Iterator

import msgspec

# Possessive, so that no text makes it slow. An unfinished string or comment is its first character and what follows.
_TOKEN = re.compile(
    rb"""
    (?P<space>\s++|--[^\n]*+|\#[\ !][^\n]*+|/\*.*?\*/)
    |(?P<string>'(?:[^'\\]++|\\.|'')*+')
    |(?P<quoted>`(?:[^`\\]++|\\.|``)*+`|"(?:[^"\\]++|\\.|"")*+")
    |(?P<word>[A-Za-z_][0-9A-Za-z_]*+)
    |(?P<number>[0-9][0-9A-Za-z_.]*+)
    |(?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_OPEN, _CLOSE = b"([{", b")]}"
_NAME = re.compile(rb"\s*([0-9A-Za-z_]+)")
_BEFORE_DATA = re.compile(rb"[ \t\f]*\r?\n?")

READS = frozenset({"SELECT", "WITH", "FROM", "("})
OF_A_SESSION = frozenset({"SET", "USE"})
TAKES_AWAY = frozenset({"DROP", "DETACH", "RENAME"})  # a database, perhaps


class Insert(msgspec.Struct, frozen=True):
    """An INSERT whose data follows: the statement up to SETTINGS, FORMAT or VALUES, settings, format, where data begins."""

    statement: str
    settings: str
    format: str
    data_at: int


class Ending(msgspec.Struct, frozen=True):
    """`FORMAT name` and what follows it."""

    at: int
    name: str
    data_at: int


class _Token(msgspec.Struct, frozen=True):
    kind: str
    text: str
    start: int
    end: int


def insert(head: bytes, default_format: str) -> Insert | None:
    """None: no INSERT, or one that brings its rows by SELECT. `head` needs to hold the SQL, not all of the data."""
    tokens = _outermost(head)
    if _next_text(tokens) != "INSERT" or _next_text(tokens) != "INTO":
        return None
    last = None
    settings_at = len(head)
    for last in _after_target(tokens):
        if last.kind != "word":
            continue
        match last.text:
            case "SETTINGS":
                settings_at = min(settings_at, last.start)
            case "FORMAT":
                return _with_format(head, last, settings_at)
            case "VALUES":
                return _insert(head[: last.start], settings_at, "Values", last.end)
            case "SELECT" | "WITH" | "FROM" | "WATCH":
                return None
    return _insert(head, settings_at, default_format, len(head)) if last else None


def first_word(text: bytes) -> str:
    """Of the statement, in capitals; `(` for a SELECT in brackets, empty for nothing."""
    for found in _TOKEN.finditer(text):
        if found.lastgroup != "space":
            return found[0].decode("latin-1").upper()
    return ""


def reads(text: bytes) -> bool:
    """A SELECT, whatever it begins with; WITH may stand before an INSERT too."""
    first = first_word(text)
    return first in READS and not (first == "WITH" and _follow(text, ("INSERT", "INTO")))


def writes_a_file(text: bytes) -> bool:
    """`INTO OUTFILE`: a server leaves that to its own client, which has the file."""
    return b"outfile" in text.lower() and _follow(text, ("INTO", "OUTFILE"))


def reads_a_file(text: bytes) -> bool:
    """`INSERT … FROM INFILE 'path'`: as above. A table may have that name; a string behind it is no alias."""
    return b"infile" in text.lower() and _follow(text, ("FROM", "INFILE", "'"))


def call_of(name: str, text: bytes) -> tuple[int, int] | None:
    """Where the first call of a function stands, however deep: its name, and what follows its bracket."""
    before: re.Match[bytes] | None = None
    for found in _TOKEN.finditer(text):
        if found.lastgroup == "space":
            continue
        if before and found[0] == b"(" and before.lastgroup == "word" and before[0].lower() == name.encode():
            return before.start(), found.end()
        before = found
    return None


def format_of_data(text: bytes, start: int) -> Ending | None:
    """The first FORMAT at the outermost level behind `start`."""
    for token in _outermost(text):
        if token.start >= start and token.kind == "word" and token.text == "FORMAT":
            return _ending(text, token)
    return None


def makes_temporary(text: bytes) -> bool:
    words = _outermost(text)
    return _next_text(words) == "CREATE" and "TEMPORARY" in (
        _next_text(words),
        _next_text(words),
        _next_text(words),
    )


def output_format(text: bytes) -> str:
    """What FORMAT says at the end of a statement; empty when it says nothing."""
    found = ""
    before = ""
    if b"format" not in text.lower():
        return found
    for token in _outermost(text):
        if before == "FORMAT" and token.kind == "word":
            found = _decoded(text[token.start : token.end])
        before = token.text if token.kind == "word" else ""
    return found


def into_file(text: bytes, path: str, name: str) -> bytes:
    """The SELECT, with its output in this format going to a file, which the engine opens as its own client."""
    clause = f"INTO OUTFILE {quoted(path)} ".encode()
    tokens = list(_outermost(text))
    for keyword, stated, following in zip(tokens, tokens[1:], [*tokens[2:], None], strict=False):
        if keyword.text == "FORMAT" and stated.kind == "word" and _ends(following):
            return text[: keyword.start] + clause + text[keyword.start :]
    end = next((token.start for token in tokens if token.text == ";"), len(text))
    return text[:end] + b"\n" + clause + f"FORMAT {name}".encode()


def _ends(following: _Token | None) -> bool:
    return following is None or following.text in (";", "SETTINGS")


def comma_separated(text: str) -> list[str]:
    """At the outermost level, so that `Array(String), Map(String, String)` is two."""
    raw, parts, begins = text.encode(), [], 0
    for token in _outermost(raw):
        if token.text == ",":
            parts.append(raw[begins : token.start])
            begins = token.end
    return [part.decode().strip() for part in (*parts, raw[begins:])]


def quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def identifier(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _outermost(text: bytes) -> Iterator[_Token]:
    """Tokens that matter, a bracket with all in it as one token of kind `group`."""
    depth = 0
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or ""
        if kind == "space":
            continue
        if kind == "other" and found[0] in _OPEN:
            depth += 1
        elif kind == "other" and found[0] in _CLOSE:
            depth -= 1
            if depth == 0:
                yield _Token("group", "", found.start(), found.end())
        elif depth <= 0:
            text_of = found[0].decode("latin-1")
            yield _Token(kind, text_of.upper() if kind == "word" else text_of, found.start(), found.end())


def _after_target(tokens: Iterator[_Token]) -> Iterator[_Token]:
    """Skip `[TABLE] [FUNCTION] name[.name]`, so that a table may have any name; the last token of it comes too."""
    token = next(tokens, None)
    while token and token.text in ("TABLE", "FUNCTION"):
        token = next(tokens, None)
    if token is None:
        return
    dotted = True
    while dotted:
        following = next(tokens, None)
        dotted = following is not None and following.text == "."
        if dotted:
            next(tokens, None)
    yield _Token("name", "", token.start, token.end)
    if following is not None:
        yield following
    yield from tokens


def _insert(text: bytes, settings_at: int, name: str, data_at: int) -> Insert:
    return Insert(_decoded(text[:settings_at]), _decoded(text[settings_at:]), name, data_at)


def _with_format(head: bytes, keyword: _Token, settings_at: int) -> Insert | None:
    ending = _ending(head, keyword)
    return _insert(head[: keyword.start], settings_at, ending.name, ending.data_at) if ending else None


def _ending(head: bytes, keyword: _Token) -> Ending | None:
    name = _NAME.match(head, keyword.end)
    if name is None:
        return None
    begins = _BEFORE_DATA.match(head, name.end())
    assert begins is not None
    return Ending(keyword.start, name[1].decode("ascii"), begins.end())


def _follow(text: bytes, wanted: tuple[str, ...]) -> bool:
    """Whether these stand one after the other at the outermost level: words in capitals, `'` for a string."""
    last: tuple[str, ...] = ("",) * len(wanted)
    for token in _outermost(text):
        kind_or_text = "'" if token.kind == "string" else token.text
        last = (*last[1:], kind_or_text)
        if last == wanted:
            return True
    return False


def _next_text(tokens: Iterator[_Token]) -> str:
    token = next(tokens, None)
    return token.text if token else ""


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", errors="replace").strip()
