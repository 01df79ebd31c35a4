"""What happened, read from ClickHouse in the order of its receipt, as agents `triggers` and `memberships` would have met it.

Of the events those are read that the rule's trigger may ask for, by type and name. Whose an event was is the hint that was
stored with it, as it was then.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client

from processors.rules.memberships import occurrences
from processors.rules.resolved_reader import Record
from processors.rules.rule_changes import Changes
from processors.rules.rule_index import RuleIndex
from processors.rules.rule_matching import Matcher
from schemas.rules.rule_facts import Match, Occurrence
from schemas.rules.rules import Rule
from schemas.segments.segment_windows import EPOCH

Happened = Iterator[tuple[int, Sequence[Occurrence]]]
EVERY = "*"
STREAM_ROWS = 10_000

_MS = timedelta(milliseconds=1)
_TEXTS = (
    *("workspace", "source", "message_id", "type", "event", "name", "anonymous_id", "user_id", "group_id"),
    *("session_id", "traits", "context", "integrations"),
)
_PLAIN = ("subject", "raw_partition", "raw_offset", "raw_index")
_STAMPS = ("touch", "visit", "device", "place", "commerce", "items", "consent", "bot")
_COLUMNS = (*_TEXTS, *_PLAIN, *_STAMPS)
_EVENTS = f"""\
SELECT {", ".join(_COLUMNS)}, profile_hint AS profile_id,
    if(properties_text != '', properties_text, toJSONString(properties)) AS said,
    toUnixTimestamp64Milli(timestamp) AS happened_ms, toUnixTimestamp64Milli(received_at) AS received_ms
FROM events
WHERE workspace = {{workspace:String}}
  AND received_at >= fromUnixTimestamp64Milli({{since:Int64}}) AND received_at < fromUnixTimestamp64Milli({{until:Int64}})
  AND ((type, if(type = 'track', event, name)) IN {{titles:Array(Tuple(String, String))}}
    OR type IN {{types:Array(String)}}
    OR ({{visits:Bool}} AND session_id != '' AND visit.started_at = timestamp))
ORDER BY received_at, raw_partition, raw_offset, raw_index
LIMIT 1 BY raw_partition, raw_offset, raw_index
LIMIT {{most:UInt64}}"""  # noqa: S608 - names of columns
_CHANGES = """\
SELECT workspace, segment, toString(change) AS change, reason, profile, seq, version,
    toUnixTimestamp64Milli(observed_at) AS observed_ms, toUnixTimestamp64Milli(effective_at) AS effective_ms
FROM segment_changes
WHERE workspace = {workspace:String} AND segment = {segment:String}
  AND observed_at >= fromUnixTimestamp64Milli({since:Int64}) AND observed_at < fromUnixTimestamp64Milli({until:Int64})
ORDER BY observed_at, profile, seq
LIMIT 1 BY profile, seq
LIMIT {most:UInt64}"""


class TooMuch(ValueError):
    """More happened than a dry run may read."""


class Span:
    """From (inclusive) to (exclusive) in ms, and how much at most."""

    def __init__(self, since: int, until: int, most: int) -> None:
        self.since, self.until, self.most = since, until, most

    @property
    def parameters(self) -> dict[str, Any]:
        return {"since": self.since, "until": self.until, "most": self.most + 1}


def happened(client: Client, rule: Rule, index: RuleIndex, changes: Changes, span: Span) -> Happened:
    """What there is for the rule, in order. Raises TooMuch, and what the client raises."""
    trigger = rule.trigger
    if trigger.segment is not None:
        segment = trigger.segment.entered or trigger.segment.left or ""
        yield from _memberships(client, rule, index, span, segment)
    elif trigger.schedule is None:
        yield from _events(client, rule, index, changes, span)


def _events(client: Client, rule: Rule, index: RuleIndex, changes: Changes, span: Span) -> Happened:
    asks = index.compiled[rule.key].asks
    titles = {title for each in asks for title in each.titles}
    parameters = span.parameters | {
        "workspace": rule.workspace,
        "titles": sorted(title for title in titles if title[1] != EVERY),
        "types": sorted({type for type, name in titles if name == EVERY}),
        "visits": any(each.of_visits for each in asks),
    }
    matcher = Matcher(index, changes)
    for row in _rows(client, _EVENTS, parameters, span):
        record = _record(row)
        yield record["received_at"], _of_rule(matcher.match_record(record).occurrences, rule)


def _memberships(client: Client, rule: Rule, index: RuleIndex, span: Span, segment: str) -> Happened:
    parameters = span.parameters | {"workspace": rule.workspace, "segment": segment}
    for row in _rows(client, _CHANGES, parameters, span):
        change = {
            **row,
            "profile_id": f"{row['profile']:016x}",
            "message_id": f"{row['version']}-{row['profile']}-{row['seq']}",
            "observed_at": row["observed_ms"],
            "effective_at": row["effective_ms"],
        }
        yield row["observed_ms"], _of_rule(occurrences(index, change), rule)


def _rows(client: Client, sql: str, parameters: dict[str, Any], span: Span) -> Iterator[dict[str, Any]]:
    with client.query_row_block_stream(sql, parameters=parameters) as blocks:
        names = blocks.source.column_names
        count = 0
        for block in blocks:
            for row in block:
                count += 1
                if count > span.most:
                    raise TooMuch(f"more than {span.most} events: take a shorter time, with --from and --to")
                yield dict(zip(names, row, strict=True))


def _of_rule(found: Iterable[Occurrence], rule: Rule) -> list[Occurrence]:
    """Without what others ask."""
    kept = []
    for each in found:
        matches = [match for match in each.matches if match.rule == rule.rule]
        if matches:
            kept.append(_with(each, matches))
    return kept


def _with(occurrence: Occurrence, matches: list[Match]) -> Occurrence:
    return msgspec.structs.replace(occurrence, matches=matches)


def _record(row: Mapping[str, Any]) -> Record:
    """As processors/rules/resolved_reader.py reads it from Kafka."""
    record: Record = {name: row[name] for name in (*_COLUMNS, "profile_id")}
    visit = dict(record["visit"])
    for name in ("started_at", "first_touch_at"):
        visit[name] = _ms(visit[name])
    return record | {
        "visit": visit,
        "properties": row["said"],
        "timestamp": row["happened_ms"],
        "received_at": row["received_ms"],
    }


def _ms(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=EPOCH.tzinfo)
    return (aware - EPOCH) // _MS
