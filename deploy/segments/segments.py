"""What `stitchline segment` does: definitions found, their query written down, counted, or asked for a moment of the past.

Definitions are those on the control topic and, if somebody brings one, those of a file, which come before. Deliberately
absent: any change; that is `stitchline apply`, and the refresh.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import yaml
from clickhouse_connect.driver.client import Client

from console.segments.segment_compiler import compile_members
from console.segments.segment_explain import Explainer, Explanation
from console.segments.segment_preview import Preview, preview
from console.segments.segment_query import Limits, ask_members
from console.segments.segment_scope import Scope
from deploy.files.yaml_file import NotYaml, read_yaml
from deploy.identifiers.ids import find, hash_key_at_hand
from deploy.orders.tables import answered
from runtime.clickhouse import connect
from runtime.control import read_control
from runtime.environment.settings import ClickHouseSettings, KafkaSettings, SegmentSettings
from runtime.kafka import KafkaUnavailable
from schemas.identity.order_documents import orders_in
from schemas.identity.orders import Forget
from schemas.segments.segment_expression import parse_expression
from schemas.segments.segment_expression_text import print_expression
from schemas.segments.segment_reading import read_segment
from schemas.segments.segment_sql import plain
from schemas.segments.segment_times import instant_ms
from schemas.segments.segment_tree import DEFAULT_ZONE, BadSegment, Inlined, inlined, key_of, leaves, used_by
from schemas.segments.segment_windows import moment_text
from schemas.segments.segments import Segment, document

Definitions = Mapping[str, Segment]

LINE_NAME = "expression"  # of a segment that has no other yet
MARGIN_S = 60  # beyond the time limit of a preview, until the connection is given up


PROFILE_SQL = """\
SELECT dictGetOrDefault('idr_root', 'root', owner, owner)
FROM (SELECT dictGetOrDefault('idr_segment', 'owner', {node:UInt64}, {at:Int64}, {node:UInt64}) AS owner)"""
SUBJECTS_SQL = """\
SELECT node FROM identity_pointers FINAL
WHERE workspace = {workspace:String}
  AND arrayExists(
      owner -> dictGetOrDefault('idr_root', 'root', owner, owner) = {profile:UInt64}, arrayPushBack(segments.owner, node))"""

LISTS_SQL = (
    "SELECT DISTINCT list FROM lists WHERE workspace = {workspace:String} AND list IN {names:Array(String)}"
)


class Moments(msgspec.Struct, frozen=True):
    """T, and what of the past counts."""

    at_ms: int
    known_at_ms: int | None = None
    is_then: bool = False

    def scope(self, wanted: Inlined, database: str = "") -> Scope:
        return Scope(
            workspace=wanted.segment.workspace,
            database=database,
            known_at_ms=self.known_at_ms,
            identity="then" if self.is_then else "now",
        )


def definitions(kafka: KafkaSettings, file: Path | None, more: Sequence[Segment] = ()) -> Definitions:
    """By key. Of a file that uses no segment but its own: these alone. Raises BadSegment, KafkaUnavailable."""
    given = [*(_in_file(file) if file else ()), *more]
    own = {key_of(each.workspace, each.segment): each for each in given}
    used = {key_of(each.workspace, name) for each in own.values() for name in used_by(each)}
    if own and used <= own.keys():
        return own
    return {**read_control(kafka, kafka.answer_timeout_s).segments, **own}


def of_line(expression: str, name: str, workspace: str) -> Segment:
    """A segment that is nobody's yet. Raises BadSegment."""
    found = Segment(segment=name or LINE_NAME, workspace=workspace, where=parse_expression(expression))
    return read_segment(document(found))


def shown_as_line(wanted: Inlined) -> str:
    return print_expression(wanted.segment.where)


def chosen(defined: Definitions, workspace: str, name: str, zone: str = DEFAULT_ZONE) -> Inlined:
    """`zone`: of segments that name none. Raises BadSegment."""
    found = defined.get(key_of(workspace, name))
    if found is None:
        there = sorted(each.segment for each in defined.values() if each.workspace == workspace)
        raise BadSegment(
            f"no segment {name} in workspace {workspace}; there are: {', '.join(there) or 'none'} "
            "(apply it first, or name its file with --file)"
        )
    return inlined(found, defined, zone)


def listed(defined: Definitions, workspace: str) -> str:
    """One line each."""
    here = sorted(
        (each.segment, each.description) for each in defined.values() if each.workspace == workspace
    )
    return "\n".join(f"{name:<30} {description}".rstrip() for name, description in here)


def shown(wanted: Inlined) -> str:
    """The definition as it can be applied again."""
    return yaml.safe_dump(document(wanted.segment), sort_keys=False, allow_unicode=True).rstrip()


def moments(at: str, known_at: str, identity: str, now_ms: int) -> Moments:
    """Raises BadSegment."""
    if identity not in ("now", "then"):
        raise BadSegment(f"--identity is `now` or `then`, not {identity!r}")
    at_ms = _instant(at) if at else now_ms
    is_then = identity == "then"
    known_at_ms = _instant(known_at) if known_at else at_ms if is_then else None
    return Moments(at_ms, known_at_ms, is_then)


def sql_of(wanted: Inlined, asked: Moments, database: str) -> str:
    """One text that any client of ClickHouse runs as it stands."""
    query = compile_members([wanted], asked.at_ms, asked.scope(wanted, database))
    return (
        f"-- segment {wanted.segment.segment} as of {moment_text(asked.at_ms)} UTC\n{plain(query)}".rstrip()
    )


def preview_of(
    settings: ClickHouseSettings, wanted: Inlined, asked: Moments, limited: SegmentSettings
) -> Preview:
    """Raises NoAnswer."""
    with client_of(settings, limited) as client:
        return preview(client, wanted, asked.at_ms, asked.scope(wanted), limits(limited))


def members_of(
    settings: ClickHouseSettings, wanted: Inlined, asked: Moments, limited: SegmentSettings
) -> Iterator[str]:
    """Profile ids. Raises NoAnswer."""
    bounded = msgspec.structs.replace(limits(limited), seconds_max=0)
    with client_of(settings, limited) as client:
        for profile, _ in ask_members(client, [wanted], asked.at_ms, asked.scope(wanted), bounded):
            yield f"{profile:016x}"


def why_of(
    tables: ClickHouseSettings, wanted: Inlined, asked: Moments, person: str, data: Path
) -> Explanation:
    """Raises NoAnswer, and what deploy/identifiers/ids.py raises for a person who cannot be found."""
    limited = SegmentSettings()
    with client_of(tables, limited) as client:
        workspace = wanted.segment.workspace
        node = find(client, workspace, person, hash_key_at_hand(os.environ, data)).node
        profile = _profile_of(client, node, asked.at_ms)
        subjects = "" if asked.is_then else ", ".join(map(str, _subjects_of(client, workspace, profile)))
        scope = msgspec.structs.replace(
            asked.scope(wanted), subjects=f"SELECT arrayJoin([{subjects}]::Array(UInt64))" if subjects else ""
        )
        return Explainer(client, wanted, profile, scope, limits(limited)).explain(asked.at_ms)


def _profile_of(client: Client, node: int, at_ms: int) -> int:
    """Whose it is at that moment, by the pointers of now."""
    found = client.query(PROFILE_SQL, parameters={"node": node, "at": at_ms}).result_rows[0][0]
    return int(found)


def _subjects_of(client: Client, workspace: str, profile: int) -> list[int]:
    """The nodes under which rows of theirs are stored: what leads to the profile, and devices that were theirs for a while."""
    asked = {"workspace": workspace, "profile": profile}
    return [profile, *(node for (node,) in client.query(SUBJECTS_SQL, parameters=asked).result_rows)]


def limits(limited: SegmentSettings) -> Limits:
    return Limits(
        memory_bytes_max=limited.memory_bytes_max,
        parts_max=limited.parts_max,
        seconds_max=limited.preview_s_max,
    )


@contextmanager
def client_of(settings: ClickHouseSettings, limited: SegmentSettings) -> Iterator[Client]:
    """Values of segments can be long: they go into the body of a request. Raises NoAnswer."""
    with answered():
        client = connect(settings, timeout_s=limited.preview_s_max + MARGIN_S, has_long_values=True)
        try:
            yield client
        finally:
            client.close()


def lists_note(settings: ClickHouseSettings, wanted: Inlined, limited: SegmentSettings) -> str:
    """Which lists it names that nobody has loaded, "" for none: nobody is on them. Raises NoAnswer."""
    names = sorted({name for each in leaves(wanted) if (name := each.condition.in_list)})
    if not names:
        return ""
    asked = {"workspace": wanted.segment.workspace, "names": names}
    with client_of(settings, limited) as client:
        loaded = {name for (name,) in client.query(LISTS_SQL, parameters=asked).result_rows}
    return "\n".join(
        f"list {name} is not there, so nobody is on it: load it with `stitchline list {name} FILE`, or mend its name"
        for name in names
        if name not in loaded
    )


def forgotten_since(kafka: KafkaSettings, at_ms: int) -> int:
    """How many people somebody had forgotten after a moment, in all workspaces: each by one command. Raises
    KafkaUnavailable."""
    state = read_control(kafka, kafka.answer_timeout_s)
    given = orders_in(state.documents)
    return len({each.by for each in given if isinstance(each.order, Forget) and each.order.until > at_ms})


def forgotten_note(kafka: KafkaSettings, at_ms: int) -> str:
    """What an answer about the past has to say of those who are not in it."""
    try:
        count = forgotten_since(kafka, at_ms)
    except KafkaUnavailable:
        return "people who were forgotten since are missing; how many, Kafka would know"
    return f"people who were forgotten since are missing: {count}"


def now_ms() -> int:
    return int(time.time() * 1000)  # noqa: TID251 - the root's clock


def _in_file(file: Path) -> list[Segment]:
    """A configuration file, a list of definitions, or one."""
    try:
        found = read_yaml(file)
    except (OSError, NotYaml) as error:
        raise BadSegment(f"{file} cannot be read: {error}") from error
    if isinstance(found, dict) and "segments" in found:
        found = found["segments"]
    entries = found if isinstance(found, list) else [found]
    segments = [read_segment(each) for each in entries if not (isinstance(each, dict) and "deleted" in each)]
    counted = Counter(key_of(each.workspace, each.segment).partition("/")[2] for each in segments)
    if twice := [name for name, count in counted.items() if count > 1]:
        raise BadSegment(f"{file}: {', '.join(twice)} stands there twice: each may stand once")
    return segments


def _instant(text: str) -> int:
    try:
        return instant_ms(text, "UTC")
    except ValueError as error:
        raise BadSegment(str(error)) from error
