"""How sources stand: their keys by fingerprint, origins, rates, what of their quotas is used, and what they sent. Read only.

Deliberately absent: any key. Only hashes are stored, and the first characters of one are enough to tell keys apart.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec
from clickhouse_connect.driver.client import Client

from deploy.visible import visible
from schemas.control import ControlState
from schemas.sources.quotas import STOP, Usage, calendar
from schemas.sources.sources import Source
from sinks.stages.quotas import now_of, used_by

DAYS = 30  # of the counts per event
EVENTS_SHOWN_MAX = 50
FINGERPRINT_CHARS = 8

_LAST = """\
SELECT source, toUnixTimestamp64Milli(max(minute)) FROM ledger
WHERE source IN {sources:Array(String)} AND stage = 'resolve' AND outcome IN ('resolved', 'withheld') GROUP BY source"""
_COUNTS = """\
SELECT type, event, count() AS events, toUnixTimestamp64Milli(max(received_at)) FROM events
WHERE workspace = {workspace:String} AND source = {source:String}
  AND received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
GROUP BY type, event ORDER BY events DESC, type, event LIMIT {limit:UInt32}"""
DAY_MS = 86_400_000


class NoSuchSource(ValueError):
    """The text lists those there are."""


class Key(msgspec.Struct, frozen=True):
    """`ends` is the first moment without it, "" for one that stays."""

    fingerprint: str
    kind: str
    ends: str = ""
    has_ended: bool = False


class Quota(msgspec.Struct, frozen=True):
    period: str
    used: int
    events_max: int | None
    left: int | None


class Count(msgspec.Struct, frozen=True):
    type: str
    event: str
    events: int
    last: str


class Standing(msgspec.Struct, frozen=True):
    id: str
    workspace: str
    keys: list[Key]
    allowed_origins: list[str]
    events_per_s_max: float | None
    burst_events_max: int | None
    quotas: list[Quota]
    is_over_quota: bool
    last_event: str
    counts: list[Count] | None  # of one source alone


def chosen(state: ControlState, name: str) -> list[Source]:
    """All of them without a name. Raises NoSuchSource."""
    if not name:
        return state.sources
    source = state.source(name)
    if source is None:
        known = ", ".join(each.id for each in state.sources) or "none at all"
        raise NoSuchSource(f"there is no source {name!r}, only {known}")
    return [source]


def standings(
    client: Client, state: ControlState, sources: Sequence[Source], *, counted: bool
) -> list[Standing]:
    now = now_of(client)
    if not sources:
        return []
    used = used_by(client, sources, calendar(now))
    rows = client.query(_LAST, parameters={"sources": [source.id for source in sources]}).result_rows
    last = {str(source): int(moment) for source, moment in rows}
    return [
        Standing(
            id=source.id,
            workspace=source.workspace,
            keys=list(keys_of(source, now)),
            allowed_origins=source.allowed_origins,
            events_per_s_max=source.events_per_s_max,
            burst_events_max=source.burst_events_max,
            quotas=quotas_of(source, used.get(source.id, Usage())),
            is_over_quota=_is_stopped(state, source, now),
            last_event=_moment(last[source.id]) if source.id in last else "",
            counts=_counts(client, source, now) if counted else None,
        )
        for source in sources
    ]


def keys_of(source: Source, now: int) -> Iterator[Key]:
    for kind, digests in (("write", source.write_key_hashes), ("secret", source.secret_key_hashes)):
        for digest in digests:
            end = source.key_ends.get(digest)
            ends, has_ended = ("", False) if end is None else (_moment(end), now >= end)
            yield Key(digest[:FINGERPRINT_CHARS], kind, ends, has_ended)


def quotas_of(source: Source, usage: Usage) -> list[Quota]:
    given = (
        ("day", usage.day, source.quota.events_per_day_max),
        ("month", usage.month, source.quota.events_per_month_max),
    )
    return [
        Quota(period, used, most, None if most is None else max(0, most - used))
        for period, used, most in given
    ]


def text_of(standing: Standing) -> str:
    lines = [f"{standing.id}  (workspace {standing.workspace})"]
    lines += [f"  {key.kind} key  {key.fingerprint}{_until(key)}" for key in standing.keys]
    lines.append(f"  origins  {', '.join(map(visible, standing.allowed_origins)) or 'none'}")
    lines.append(f"  rate  {_rate(standing)}")
    lines += [f"  this {quota.period}  {_quota(quota)}" for quota in standing.quotas]
    if standing.is_over_quota:
        lines.append("  over its quota: events are kept as dead letters")
    lines.append(f"  last event  {standing.last_event or 'none yet'}")
    if standing.counts is not None:
        lines.append(f"  events of the last {DAYS} days")
        lines += [f"    {each.events:>10}  {_name(each):<40}  last {each.last}" for each in standing.counts]
    return "\n".join(lines)


def _is_stopped(state: ControlState, source: Source, now: int) -> bool:
    stop = state.quota_stops.get(f"{STOP}{source.id}")
    return stop is not None and stop.stands(source, now)


def _counts(client: Client, source: Source, now: int) -> list[Count]:
    parameters = {
        "workspace": source.workspace,
        "source": source.id,
        "since": now - DAYS * DAY_MS,
        "limit": EVENTS_SHOWN_MAX,
    }
    rows = client.query(_COUNTS, parameters=parameters).result_rows
    return [Count(kind, event, int(events), _moment(last)) for kind, event, events, last in rows]


def _name(count: Count) -> str:
    return visible(f"{count.type} {count.event}".rstrip())


def _until(key: Key) -> str:
    return f"  {'ended' if key.has_ended else 'ends'} {key.ends}" if key.ends else ""


def _rate(standing: Standing) -> str:
    if standing.events_per_s_max is None:
        return "no limit"
    burst = f", bursts of {standing.burst_events_max}" if standing.burst_events_max else ""
    return f"{standing.events_per_s_max:g} events/s{burst}, for each worker of a collector"


def _quota(quota: Quota) -> str:
    if quota.events_max is None:
        return f"{quota.used} events stored, no quota"
    return f"{quota.used} of {quota.events_max} events stored, {quota.left} left"


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(int(ms) / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
