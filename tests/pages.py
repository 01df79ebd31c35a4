"""`python -m tests.pages`: writes what is made of the tables, docs/data.md and the sources of the dbt project, from a
ClickHouse that it starts and migrates."""

import tempfile
from pathlib import Path

from deploy.pages.data_page import dbt_sources, page, stored
from runtime.clickhouse import connect
from runtime.environment.settings import ClickHouseSettings
from schemas.meanings import kept_meanings
from sinks.migrating.migrations import migrate
from tests.engines import embedded_clickhouse

ROOT = Path(__file__).parent.parent
DATA_PAGE = ROOT / "docs" / "data.md"
DBT_SOURCES = ROOT / "deploy" / "examples" / "dbt" / "models" / "sources.yml"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, embedded_clickhouse(Path(folder)) as url:
        settings = ClickHouseSettings(url=url)
        migrate(settings)
        client = connect(settings)
        tables, meanings = stored(client, kept_meanings()), kept_meanings()
        client.close()
    DATA_PAGE.write_text(page(DATA_PAGE.read_text(), tables, meanings))
    DBT_SOURCES.write_text(dbt_sources(tables, meanings))


if __name__ == "__main__":
    main()
