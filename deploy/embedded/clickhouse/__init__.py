"""ClickHouse on this machine with pip alone: chdb, owned by one process that speaks ClickHouse's HTTP protocol.

So every client uses one code path, whether the engine is this one or a server. The way of a request is the order of
the modules: `app` (the HTTP edge), `serve` (the order of things), `form`, `request`, `compression`, `blocks`, `sql`,
`by_select` and `statement` (what is asked: which bytes are the statement, which the data), `sessions`, `spares`, `context`
and `running` (where it runs), `spool` and `engine` (chdb runs it), `formats`, `failure` and `answer` (what is answered).
`folder` owns the data folder and says what is wrong with it.

Deliberately absent: users, rights and roles (127.0.0.1 only, any name is let in), the native TCP protocol. What is asked for
and not there is refused in words, never ignored; docs/clickhouse.md has the whole list.
"""

import sys
from pathlib import Path

HOST = "127.0.0.1"


def command(data: Path, port: int, host: str = HOST) -> list[str]:
    """Runs the server until SIGTERM; with STITCHLINE_LEASHED=1 also until its standard input closes."""
    return [sys.executable, "-m", __name__, "--data", str(data), "--port", str(port), "--host", host]
