"""ClickHouse's own client, connected by our settings."""

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from runtime.settings import ClickHouseSettings


def connect(settings: ClickHouseSettings) -> Client:
    return clickhouse_connect.get_client(
        dsn=settings.url, database=settings.database, autogenerate_session_id=False
    )
