"""What every test may ask for: the engines, started once a run for all workers, and names of its own on them."""

import gc
import os
import uuid
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from deploy.demo import javascript
from tests import browsers, engines
from tests.databases import Databases
from tests.order import place
from tests.scratch import keep_in_memory

keep_in_memory(os.environ)

# How long an example takes says how busy the machine is, and nothing about the example. Continuous integration tries the same
# examples each time, so that what it refuses can be tried again; by hand they are new ones.
settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("patient")


ENGINES = pytest.StashKey[ExitStack]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Above several workers: engines for all of them, started before they are."""
    config = session.config
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        return
    folder = config._tmp_path_factory.mktemp("engines")  # type: ignore[attr-defined]  # where fixtures have theirs
    started = config.stash[ENGINES] = ExitStack()
    os.environ[engines.SHARED_KAFKA] = started.enter_context(engines.kafka_engine(folder, os.environ, print))
    os.environ[engines.SHARED_CLICKHOUSE] = started.enter_context(
        engines.clickhouse_engine(folder, os.environ)
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    """After the last worker."""
    if ENGINES in config.stash:
        config.stash[ENGINES].close()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is read now stays to the end: looked through again and again for garbage, reading costs a third more.

    Once it is looked through: what a module leaves open as it is read is told, where frozen garbage is told by nobody.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: place(item.path))


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap address of a real broker."""
    with engines.kafka_engine(tmp_path_factory.mktemp("kafka"), os.environ, print) as bootstrap:
        yield bootstrap


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real ClickHouse's HTTP interface."""
    with engines.clickhouse_engine(tmp_path_factory.mktemp("clickhouse"), os.environ) as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The machine's Chromium. Where there is none the test is skipped, unless STITCHLINE_TEST_BROWSER=required."""
    found = javascript.browser()
    if found is None and os.environ.get("STITCHLINE_TEST_BROWSER") == "required":
        pytest.fail("no Chromium on this machine, and STITCHLINE_TEST_BROWSER=required")
    if found is None:
        pytest.skip("no Chromium on this machine: install it, or name it in $CHROMIUM")
    return found


@pytest.fixture(scope="session")
def headless_shell(chromium: Path) -> Path:
    """The lighter build of it, where there is one."""
    return browsers.light() or chromium


@pytest.fixture
def topic_prefix(kafka: str) -> Iterator[str]:
    """Topics, groups and transactional ids of this test begin with it; its topics are deleted afterwards."""
    prefix = f"t{uuid.uuid4().hex[:10]}-"
    yield prefix
    engines.delete_topics(kafka, prefix)


@pytest.fixture(scope="session")
def databases(clickhouse: str) -> Iterator[Databases]:
    """Where tests get theirs from."""
    databases = Databases(clickhouse)
    yield databases
    databases.close()


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    """A database of this test, with the tables of this release and nothing in them."""
    with databases.migrated() as name:
        yield name


@pytest.fixture(scope="module")
def module_database(databases: Databases) -> Iterator[str]:
    """The same for all tests of a file."""
    with databases.migrated() as name:
        yield name


@pytest.fixture
def bare_database(databases: Databases) -> Iterator[str]:
    """A database of this test without a table, dropped afterwards."""
    with databases.bare() as name:
        yield name
