"""Identifiers of a whole file, as ids.py reads and finds one: a query for some hundred of them instead of one for each.

Deliberately absent: guesses. What `stitchline why` would refuse as unknown, blocked or ambiguous is a problem of its line here.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import msgspec
from clickhouse_connect.driver.client import Client

from deploy.identifiers.ids import KINDS, Id, NotAnId, find, key_of, read
from processors.events.blocked import is_blocked
from schemas.identity.identifiers import EMAIL, EXTERNAL, node_id, normalise_email

CHARS_PER_QUERY_MAX = 25_000  # a server reads up to 128 KB of a value, and a character may be four bytes
ID_CHARS_MAX = 500
HASH_CHARS = 64
PROFILE_CHARS = 16
CHOICES_MAX = 5  # of an ambiguous value, as many as are told

T = TypeVar("T")

_TYPED_SQL = """\
SELECT DISTINCT kind, value, node, if(kind = 'e', lower(hex(SHA256(value))), '') AS hash FROM identifiers
WHERE workspace = {workspace:String} AND kind = {kind:String} AND value != ''
  AND (value IN {values:Array(String)} OR (notEmpty({hashes:Array(String)}) AND hash IN {hashes:Array(String)}))"""

_BARE_SQL = """\
SELECT DISTINCT kind, value, node FROM identifiers
WHERE workspace = {workspace:String} AND value != ''
  AND ((kind IN ('u', 'a') AND value IN {values:Array(String)})
    OR (kind = 'e' AND value IN {emails:Array(String)})
    OR (kind = 'x' AND (value IN {values:Array(String)}
        OR substring(value, position(value, ':') + 1) IN {values:Array(String)}))
    OR node IN {nodes:Array(UInt64)})
ORDER BY kind, value"""


class Line(NamedTuple):
    """A line of a file, and the identifier on it as it is typed."""

    number: int
    text: str


class Typed(NamedTuple):
    line: Line
    kind: str
    value: str


class Resolved(msgspec.Struct, frozen=True):
    """`nodes` in the order of the lines, each once; `problems` by the number of the line."""

    nodes: list[int]
    problems: dict[int, str]


def resolve(client: Client, workspace: str, lines: Sequence[Line], hash_key: bytes | None) -> Resolved:
    """Raises WrongHashKey."""
    typed, bare, problems = _sorted_out(lines)
    if hash_key is not None and typed:
        find(client, workspace, typed[0].line.text, hash_key)  # whether the key is the deployment's
        found = {each.line.number: node_id(key_of(workspace, *each[1:]), hash_key) for each in typed}
    else:
        found = dict(_known(client, workspace, typed))
        problems |= {each.line.number: _unknown(each.line) for each in typed if each.line.number not in found}
    for line, ids in _meant(client, workspace, bare):
        if len(ids) == 1:
            found[line.number] = ids[0].node
        else:
            problems[line.number] = _ambiguous(line, ids) if ids else _unknown_bare(line)
    nodes = [found[line.number] for line in lines if line.number in found]
    return Resolved(list(dict.fromkeys(nodes)), dict(sorted(problems.items())))


def _sorted_out(lines: Iterable[Line]) -> tuple[list[Typed], list[Line], dict[int, str]]:
    typed: list[Typed] = []
    bare: list[Line] = []
    problems: dict[int, str] = {}
    for line in lines:
        try:
            meant = _read(line)
        except NotAnId as error:
            problems[line.number] = str(error)
            continue
        if meant is None:
            bare.append(line)
        else:
            typed.append(Typed(line, *meant))
    return typed, bare, problems


def _read(line: Line) -> tuple[str, str] | None:
    if len(line.text) > ID_CHARS_MAX or "\0" in line.text:
        raise NotAnId(
            f"{line.text[:40]!r}.. is no identifier: more than {ID_CHARS_MAX} characters, or binary"
        )
    meant = read(line.text)
    if meant is not None and is_blocked(meant[1].partition(":")[2] if meant[0] == EXTERNAL else meant[1]):
        raise NotAnId(f"{line.text!r} is a blocked value: no event is ever anybody's because of it")
    return meant


def _known(client: Client, workspace: str, typed: Iterable[Typed]) -> Iterator[tuple[int, int]]:
    """Line and node of those that events carried."""
    by_kind: dict[str, list[Typed]] = defaultdict(list)
    for each in typed:
        by_kind[each.kind].append(each)
    for kind, alike in by_kind.items():
        for some in _cut(alike, lambda each: each.value):
            hashes = [each.value for each in some if kind == EMAIL and len(each.value) == HASH_CHARS]
            asked = {
                "workspace": workspace,
                "kind": kind,
                "values": [each.value for each in some],
                "hashes": hashes,
            }
            nodes: dict[str, int] = {}
            for _, value, node, hashed in client.query(_TYPED_SQL, parameters=asked).result_rows:
                nodes |= {value: node, hashed: node}
            yield from ((each.line.number, nodes[each.value]) for each in some if each.value in nodes)


def _meant(client: Client, workspace: str, bare: Sequence[Line]) -> Iterator[tuple[Line, list[Id]]]:
    """What each bare value may be."""
    for some in _cut(bare, lambda line: line.text):
        texts = [line.text for line in some]
        asked = {
            "workspace": workspace,
            "values": texts,
            "emails": [email for text in texts if (email := normalise_email(text))],
            "nodes": [node for text in texts if (node := _profile(text))],
        }
        ids: dict[str | int, list[Id]] = defaultdict(list)
        for kind, value, node in client.query(_BARE_SQL, parameters=asked).result_rows:
            for name in _names(kind, value, node):
                ids[name].append(Id(workspace, kind, value, node))
        for line in some:
            yield (
                line,
                list(dict.fromkeys(found for name in _asked(line.text) for found in ids.get(name, ()))),
            )


def _asked(text: str) -> list[str | int]:
    return [*dict.fromkeys((text, normalise_email(text) or text)), _profile(text)]


def _cut(all_of_them: Iterable[T], text: Callable[[T], str]) -> Iterator[list[T]]:
    """In so many that a query takes."""
    some: list[T] = []
    chars = 0
    for each in all_of_them:
        if some and chars + len(text(each)) > CHARS_PER_QUERY_MAX:
            yield some
            some, chars = [], 0
        some.append(each)
        chars += len(text(each))
    if some:
        yield some


def _names(kind: str, value: str, node: int) -> list[str | int]:
    names: list[str | int] = [value, node]
    return [*names, value.partition(":")[2]] if kind == EXTERNAL else names


def _profile(text: str) -> int:
    is_one = len(text) == PROFILE_CHARS and set(text) <= set("0123456789abcdef")
    return int(text, 16) if is_one else 0


def _unknown(line: Line) -> str:
    return f"no event carries {line.text}, and without STITCHLINE_HASH_KEY (or --data) it cannot be named all the same"


def _unknown_bare(line: Line) -> str:
    header = "; if it is a heading, name its column with --column" if line.number == 1 else ""
    return f"no event carries {line.text!r}: write of which kind it is, such as e:{line.text}{header}"


def _ambiguous(line: Line, ids: Sequence[Id]) -> str:
    choices = ", ".join(f"{each} ({KINDS[each.kind]})" for each in ids[:CHOICES_MAX])
    return f"{line.text!r} is more than one identifier, say which: {choices}"
