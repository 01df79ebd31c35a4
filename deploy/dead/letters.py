"""Dead letters as ClickHouse has them: which are meant, the questions about them, and what is made of the answers. Pure.

A letter's id is its moment of receipt and a hash of all that it says but the payload, of which the length counts: so a list of
ids costs no look into payloads. Letters that are alike in all of this share one.
"""

import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from schemas.events.dead_letter import NOWHERE, Lineage

LETTERS_PER_PAGE_MAX = 1_000
PAGE_BYTES_MAX = 32_000_000  # of payloads; a single letter may have more
FIRST = (0, "")

_ID = re.compile(r"([0-9]{1,13})-[0-9a-f]{16}")
_NAMED = """\
toUnixTimestamp64Milli(received_at) AS at,
    concat(toString(at), '-', lower(leftPad(hex(sipHash64(
        workspace, source, stage, reason, detail, message_id, length(payload), raw_partition, raw_offset, raw_index
    )), 16, '0'))) AS id"""

_COUNTED = """\
SELECT stage, reason, source, count() AS letters, min(at), max(at), (argMax((detail, id), (at, id)) AS latest).1, latest.2
FROM (SELECT stage, reason, source, fingerprint, detail, NAMED FROM dead_letters WHERE MEANT)
GROUP BY stage, reason, source, fingerprint
ORDER BY letters DESC, stage, reason, source, fingerprint
LIMIT {limit:UInt32}"""

_KEYS = """\
SELECT at, id, sum(size)
FROM (SELECT NAMED, length(payload) AS size FROM dead_letters WHERE MEANT AND (at, id) > ({at:Int64}, {id:String}))
GROUP BY at, id
ORDER BY at, id
LIMIT {limit:UInt32}"""

_LETTERS = """\
SELECT NAMED, workspace, toString(source), toString(stage), toString(reason), detail, message_id, base64Encode(payload),
    raw_partition, raw_offset, raw_index
FROM dead_letters
WHERE MEANT AND (at, id) > ({at:Int64}, {id:String}) AND (at, id) <= ({until_at:Int64}, {until_id:String})
ORDER BY at, id, payload"""

Key = tuple[int, str]  # moment of receipt, id


class NoSuchLetter(ValueError):
    """The text says what to look at."""


class Meant(msgspec.Struct, frozen=True, kw_only=True):
    """Which letters; what is "" or 0 does not matter. `since` is in ms since the epoch."""

    workspace: str = "main"
    stage: str = ""
    reason: str = ""
    source: str = ""
    since: int = 0
    id: str = ""

    def within(self, sql: str) -> str:
        """The question about these letters alone; values are parameters."""
        conditions = ["workspace IN ({workspace:String}, '')"]  # of what nobody could read it is not known
        conditions += [
            f"{name} = {{{name}:String}}" for name in ("stage", "reason", "source") if self.given(name)
        ]
        if self.since or self.id:
            conditions.append("received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')")
        if self.id:
            conditions += [
                "received_at = fromUnixTimestamp64Milli({since:Int64}, 'UTC')",
                "id = {meant:String}",
            ]
        return sql.replace("NAMED", _NAMED).replace("MEANT", " AND ".join(conditions))

    def given(self, name: str) -> bool:
        return bool(getattr(self, name))

    @property
    def parameters(self) -> dict[str, Any]:
        since = moment_of(self.id) if self.id else self.since
        named = {name: getattr(self, name) for name in ("workspace", "stage", "reason", "source")}
        return named | {"since": since, "meant": self.id}


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """`is_cut`: Kafka would not have taken all of the payload."""

    id: str
    workspace: str
    source: str
    stage: str
    reason: str
    detail: str
    message_id: str
    received_at: int
    payload: bytes
    lineage: Lineage = NOWHERE

    @property
    def key(self) -> Key:
        return self.received_at, self.id

    @property
    def is_cut(self) -> bool:
        return "; payload cut from " in self.detail


class Kind(msgspec.Struct, frozen=True):
    """Letters that failed alike, with the latest one as a sample."""

    stage: str
    reason: str
    source: str
    letters: int
    first: int
    last: int
    detail: str
    id: str


def moment_of(letter_id: str) -> int:
    """Raises NoSuchLetter."""
    found = _ID.fullmatch(letter_id)
    if found is None:
        raise NoSuchLetter(
            f"{letter_id!r} is no id of a dead letter: `stitchline dead` lists them, as 1760000000000-0123456789abcdef"
        )
    return int(found[1])


def counted(meant: Meant, limit: int) -> tuple[str, dict[str, Any]]:
    return meant.within(_COUNTED), meant.parameters | {"limit": limit}


def keys_after(meant: Meant, last: Key) -> tuple[str, dict[str, Any]]:
    return meant.within(_KEYS), meant.parameters | {
        "at": last[0],
        "id": last[1],
        "limit": LETTERS_PER_PAGE_MAX,
    }


def letters_between(meant: Meant, after: Key, until: Key) -> tuple[str, dict[str, Any]]:
    bounds = {"at": after[0], "id": after[1], "until_at": until[0], "until_id": until[1]}
    return meant.within(_LETTERS), meant.parameters | bounds


def page_end(rows: Sequence[Sequence[Any]]) -> Key:
    """Where a page of at most so many bytes ends; `rows` as `keys_after` gives them, at least one."""
    taken = 0
    end: Key = (rows[0][0], rows[0][1])
    for at, letter_id, size in rows:
        taken += size
        if taken > PAGE_BYTES_MAX:
            break
        end = at, letter_id
    return end


def letters(rows: Sequence[Sequence[Any]]) -> Iterator[Letter]:
    for at, letter_id, workspace, source, stage, reason, detail, message_id, payload, *place in rows:
        yield Letter(
            id=letter_id,
            workspace=workspace,
            source=source,
            stage=stage,
            reason=reason,
            detail=detail,
            message_id=message_id,
            received_at=at,
            payload=b64decode(payload),
            lineage=Lineage(*place),
        )
