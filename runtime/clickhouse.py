"""A client of ClickHouse for whoever asks it: ClickHouse's own, made the same way in every process.

Absent: inserts under a token, and what a sink makes of errors (sinks/storing/clickhouse.py).
"""

import re

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from urllib3 import PoolManager

from runtime.environment.settings import ClickHouseSettings

CONNECT_TIMEOUT_S = 5

_CODE = re.compile(r"\bCode: (\d+)")


class NoAnswer(Exception):
    """ClickHouse is not there, or has not our tables; the text names nobody."""


def connect(
    settings: ClickHouseSettings,
    *,
    timeout_s: int = 60,
    database: str | None = None,
    pool: PoolManager | None = None,
    has_long_values: bool = False,
) -> Client:
    """A client; creating it asks the server. Raises the client's own errors, urllib3's and OSError.

    `pool`: connections for as many threads as it holds; without one, the process's own of a few. `has_long_values`: parameters
    go into the body of a request, as its address has a limit.
    """
    return clickhouse_connect.get_client(
        dsn=settings.url,
        database=settings.database if database is None else database,
        connect_timeout=CONNECT_TIMEOUT_S,
        send_receive_timeout=timeout_s,
        form_encode_query_params=has_long_values,
        autogenerate_session_id=False,  # a session would let one query run at a time
        show_clickhouse_errors="scrub",  # without address and version
        pool_mgr=pool,
    )


def code_of(error: Exception) -> int:
    """The server's own number of an error, 0 when it is none of the server's."""
    stated = _CODE.search(str(error))
    return getattr(error, "code", None) or (int(stated[1]) if stated else 0)
