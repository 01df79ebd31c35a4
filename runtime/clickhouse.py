"""A client of ClickHouse for whoever asks it: ClickHouse's own, made the same way in every process.

Absent: inserts under a token and what becomes of errors, which are the sinks' (sinks/clickhouse.py).
"""

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from urllib3 import PoolManager

from runtime.settings import ClickHouseSettings

CONNECT_TIMEOUT_S = 5


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
