"""The command `stitchline segments`: the process that refreshes them, one refresh for cron, a check, and how they stand."""

import os
import sys
import time
from typing import Annotated

import msgspec
import typer

ONCE_WAIT_S = 60.0

STATES = """\
SELECT workspace, segment, state, size, good_at, version, good_version = version AS is_current, drift, reason
FROM segment_states ORDER BY workspace, segment"""
DRIFTED = 1


def segments(
    once: Annotated[bool, typer.Option("--once", help="Refresh once and end, as cron wants it.")] = False,
    full: Annotated[bool, typer.Option("--full", help="With --once: look at everybody.")] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Say whether memberships are what they should be; exit 1 when not."),
    ] = False,
    status: Annotated[bool, typer.Option("--status", help="Say how each segment stands.")] = False,
    json: Annotated[bool, typer.Option("--json", help="With --status: JSON lines.")] = False,
) -> None:
    """Refresh who belongs to which segment, on schedule."""
    if status:
        typer.echo(_states(is_json=json))
    elif check:
        sys.exit(_check())
    elif once:
        typer.echo(_once(is_full=full))
    else:
        from console.refreshing.refresh_worker import run

        run(os.environ, _now_ms)


def _now_ms() -> int:
    return int(time.time() * 1000)  # noqa: TID251 - the root's clock


def _once(*, is_full: bool) -> str:
    from console.refreshing.refresh_worker import refresh_once

    report = refresh_once(os.environ, _now_ms, wait_s=ONCE_WAIT_S, is_full=is_full)
    broken = {name: each.error for (_, name), each in report.standings.items() if each.error}
    told = {"run": report.run, "is_full": report.is_full, "changes": report.told, "touched": report.touched}
    more = {
        "people": report.people,
        "segments": len(report.standings),
        "drift": report.drift,
        "failed": broken,
    }
    return msgspec.json.encode(told | more).decode()


def _check() -> int:
    from console.refreshing.refresh_worker import check_now

    found = check_now(os.environ, _now_ms())
    drift = {f"{workspace}/{name}": count for (workspace, name), count in sorted(found.drift.items())}
    told = {"run": found.run, "instant": found.instant_ms, "drift": drift}
    typer.echo(msgspec.json.encode(told).decode())
    return DRIFTED if drift else 0


def _states(*, is_json: bool) -> str:
    from clickhouse_connect.driver.exceptions import ClickHouseError
    from urllib3.exceptions import HTTPError

    from deploy.queries import TABLE
    from runtime.clickhouse import connect
    from runtime.environment.settings import ClickHouseSettings, load
    from sinks.storing.clickhouse import translate

    try:
        client = connect(load(ClickHouseSettings, os.environ))
        fmt = "JSONEachRow" if is_json else "PrettyCompactMonoBlock"
        answer = client.raw_query(STATES, settings=TABLE, fmt=fmt)
        client.close()
    except (ClickHouseError, HTTPError, OSError) as error:
        raise translate(error) from error
    return answer.decode().rstrip() or "no segments: `stitchline apply` takes a file that has some"
