"""The row that tells ClickHouse's views where sessions are cut: written by `migrate`, from the settings of the processors."""

from clickhouse_connect.driver.client import Client

from runtime.environment.settings import SessionSettings

TABLE = "session_rules"
COLUMNS = ("timeout_ms", "new_on_campaign", "midnight_zone")
_EXISTS = f"SELECT count() FROM system.tables WHERE database = {{database:String}} AND name = '{TABLE}'"  # noqa: S608
_LATEST = f"SELECT {', '.join(COLUMNS)} FROM {{database:Identifier}}.{TABLE} ORDER BY set_at DESC LIMIT 1"  # noqa: S608


def write_session_rules(client: Client, database: str, settings: SessionSettings) -> None:
    """Nothing where they hold already; the rows of earlier ones stay, with their times."""
    names = {"database": database}
    if not client.query(_EXISTS, parameters=names).result_rows[0][0]:
        return
    wanted = (settings.timeout_s * 1000, settings.new_on_campaign, settings.midnight_zone)
    if wanted not in [tuple(row) for row in client.query(_LATEST, parameters=names).result_rows]:
        client.insert(TABLE, [wanted], column_names=COLUMNS, database=database)
