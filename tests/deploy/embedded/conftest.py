"""One embedded ClickHouse for the tests that only talk to it, whatever engines the other tests run against."""

from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client

from tests.deploy.embedded.asking import connect
from tests.engines import embedded_clickhouse


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded_clickhouse(tmp_path_factory.mktemp("embedded")) as url:
        yield url


@pytest.fixture
def client(server: str) -> Iterator[Client]:
    """A client with an empty table `t`."""
    client = connect(server)
    client.command("CREATE OR REPLACE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
    yield client
    client.close()
