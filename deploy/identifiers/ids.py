"""Which identifier somebody means who types one: the forms that people have, and the look-up among those that events named.

Typed: `u:42` (user id), `e:ann@example.org` or `e:<sha256>` (e-mail), `a:6f1c` (anonymous id), `x:contact_id:7` (external id).
Anything else is a bare value, or a profile id, and is looked up in table `identifiers`: when it means more than one identifier
it is refused with the choices, never guessed.

The node id comes from the table, so most commands need no secret. An identifier that no stored event carries (the `previousId`
of an alias, an address known by its hash alone, an id that is to be blocked before it comes) has one only where the
deployment's hash key is at hand: STITCHLINE_HASH_KEY, or the folder of an embedded stack.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from clickhouse_connect.driver.client import Client

from processors.events.blocked import is_blocked
from schemas.identity.identifiers import (
    ANONYMOUS,
    EMAIL,
    EXTERNAL,
    USER,
    hash_email,
    node_id,
    node_key,
    normalise_email,
)

CHOICES_MAX = 20  # of an ambiguous value, as many as are told

KINDS = {USER: "user id", EXTERNAL: "external id", EMAIL: "e-mail", ANONYMOUS: "anonymous id"}

_SHA256 = re.compile(r"[0-9a-f]{64}")
_HASH_KEY = re.compile(r"[0-9a-f]{32}")
_PROFILE_ID = re.compile(r"[0-9a-f]{16}")

Asked = dict[str, object]

_TYPED_SQL = """\
SELECT DISTINCT kind, value, node
FROM identifiers
WHERE workspace = {workspace:String} AND kind = {kind:String} AND value != ''
  AND (value = {value:String} OR ({hash:String} != '' AND lower(hex(SHA256(value))) = {hash:String}))
LIMIT 1"""

_BARE_SQL = """\
SELECT DISTINCT kind, value, node
FROM identifiers
WHERE workspace = {workspace:String} AND value != ''
  AND (
      (kind IN ('u', 'a') AND value = {value:String})
      OR (kind = 'e' AND value = {email:String})
      OR (kind = 'x' AND (value = {value:String} OR substring(value, position(value, ':') + 1) = {value:String}))
      OR node = {node:UInt64})
ORDER BY kind, value
LIMIT {limit:UInt32}"""

_SAMPLE_SQL = "SELECT workspace, kind, value, node FROM identifiers WHERE value != '' LIMIT 1"


class NotAnId(Exception):
    """The text has none of the forms of an identifier, or names a value that is never one; the text says why."""


class NoSuchId(Exception):
    """No stored event carries it, and there is no hash key to name it without one."""


class AmbiguousId(Exception):
    """A bare value that is more than one identifier; the text lists them in the form that is not ambiguous."""


class WrongHashKey(Exception):
    """The hash key is not the one that the stored node ids were made with."""


class Id(msgspec.Struct, frozen=True):
    """One identifier. `value` is in clear; for an e-mail that is known by its hash alone it is the hash."""

    workspace: str
    kind: str
    value: str
    node: int

    @property
    def key(self) -> bytes:
        """Its node key: what partitions and hashes are made of (schemas/identity/identifiers.py)."""
        return key_of(self.workspace, self.kind, self.value)

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


def key_of(workspace: str, kind: str, value: str) -> bytes:
    hashed = kind == EMAIL and not _SHA256.fullmatch(value)
    return node_key(workspace, kind, hash_email(value) if hashed else value)


def read(text: str) -> tuple[str, str] | None:
    """Kind and value of a typed identifier, None for a bare value. Raises NotAnId."""
    kind, colon, rest = text.strip().partition(":")
    if not colon or kind not in KINDS:
        return None
    value = rest.strip()
    if kind == EMAIL:
        value = normalise_email(rest) or _hash_in(value)
    elif kind == EXTERNAL and not all(value.partition(":")):
        value = ""
    if not value:
        raise NotAnId(f"{text!r} is no {KINDS[kind]}: {_forms()}")
    return kind, value


def find(client: Client, workspace: str, text: str, hash_key: bytes | None = None) -> Id:
    """The one identifier that the text means. Raises NotAnId, NoSuchId, AmbiguousId or WrongHashKey."""
    typed = read(text)
    if typed is None:
        return _bare(client, workspace, text.strip())
    kind, value = typed
    if is_blocked(value.partition(":")[2] if kind == EXTERNAL else value):
        raise NotAnId(f"{text!r} is a blocked value: no event is ever anybody's because of it")
    asked: Asked = {
        "workspace": workspace,
        "kind": kind,
        "value": value,
        "hash": value if kind == EMAIL and _SHA256.fullmatch(value) else "",
    }
    for found in _rows(client, workspace, _TYPED_SQL, asked):
        _check(found, hash_key)
        return found
    return _unseen(client, workspace, kind, value, hash_key)


def hash_key_at_hand(environ: Mapping[str, str], data: Path) -> bytes | None:
    """The deployment's secret: the variable, else the key of an embedded stack's folder, else None. Raises WrongHashKey."""
    given = environ.get("STITCHLINE_HASH_KEY", "")
    file = data / "hash.key"
    if not given and file.is_file():
        given = file.read_text().strip()
    if not given:
        return None
    if not _HASH_KEY.fullmatch(given):
        raise WrongHashKey("STITCHLINE_HASH_KEY must be 32 hex digits, as the processors have it")
    return bytes.fromhex(given)


def _bare(client: Client, workspace: str, value: str) -> Id:
    if not value:
        raise NotAnId(f"an empty identifier is nobody's: {_forms()}")
    asked: Asked = {
        "workspace": workspace,
        "value": value,
        "email": normalise_email(value) or "-",
        "node": int(value, 16) if _PROFILE_ID.fullmatch(value) else 0,
        "limit": CHOICES_MAX,
    }
    found = list(_rows(client, workspace, _BARE_SQL, asked))
    if not found:
        raise NoSuchId(
            f"no event of workspace {workspace} carries {value!r}; "
            f"an event that was just sent is there within a few seconds. {_forms()}"
        )
    if len(found) > 1:
        choices = ", ".join(f"{each} ({KINDS[each.kind]})" for each in found)
        raise AmbiguousId(f"{value!r} is more than one identifier; say which: {choices}")
    return found[0]


def _rows(client: Client, workspace: str, sql: str, asked: Asked) -> Iterator[Id]:
    for kind, value, node in client.query(sql, parameters=asked).result_rows:
        yield Id(workspace, kind, value, node)


def _unseen(client: Client, workspace: str, kind: str, value: str, hash_key: bytes | None) -> Id:
    if hash_key is None:
        raise NoSuchId(
            f"no event of workspace {workspace} carries {kind}:{value}, and without STITCHLINE_HASH_KEY "
            "(or --data, an embedded stack's folder) it cannot be named all the same"
        )
    for where, sample_kind, sample, node in client.query(_SAMPLE_SQL).result_rows:
        _check(Id(where, sample_kind, sample, node), hash_key)
    return Id(workspace, kind, value, node_id(key_of(workspace, kind, value), hash_key))


def _check(known: Id, hash_key: bytes | None) -> None:
    if hash_key is not None and node_id(known.key, hash_key) != known.node:
        raise WrongHashKey(
            "the hash key (STITCHLINE_HASH_KEY, or hash.key in --data) is not the one that the stored node ids were made with"
        )


def _hash_in(value: str) -> str:
    lowered = value.lower()
    return lowered if _SHA256.fullmatch(lowered) else ""


def _forms() -> str:
    return "write u:42, e:ann@example.org, a:6f1c, x:contact_id:7, or a value that events carry"
