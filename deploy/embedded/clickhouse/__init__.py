"""ClickHouse on this machine with pip alone: chdb, owned by one process that speaks ClickHouse's HTTP protocol.

So every client uses one code path, whether the engine is this one or a server. The way of a request is the order of
the modules: `request` (what is asked), `compression` and `sql` (which bytes are the statement, which the data),
`engine` (chdb runs it), `formats`, `failure` and `answer` (what is answered); `app` is the HTTP edge.

Deliberately absent: users and rights (127.0.0.1 only, any name is let in), sessions, external tables, ClickHouse's own
compressed blocks, the native TCP protocol. What is asked for and not there is refused in words, never ignored.
"""

import sys
from pathlib import Path

HOST = "127.0.0.1"


def command(data: Path, port: int, host: str = HOST) -> list[str]:
    """Runs the server until SIGTERM; with STITCHLINE_LEASHED=1 also until its standard input closes."""
    return [sys.executable, "-m", __name__, "--data", str(data), "--port", str(port), "--host", host]
