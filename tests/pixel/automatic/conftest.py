"""A collector, a site and a browser for all tests of this folder, and a new visitor for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.environment.settings import KafkaSettings
from tests.collector.process import Collector, environment, prepare, running
from tests.pixel.arrivals import Arrivals, reading
from tests.pixel.automatic.pages import VIEWPORT, Shop
from tests.pixel.browser import Browser, Context, browser
from tests.pixel.site import Site, serving


@pytest.fixture(scope="session")
def settings(kafka: str) -> KafkaSettings:
    return prepare(environment(kafka))


@pytest.fixture(scope="session")
def collector(settings: KafkaSettings, kafka: str) -> Iterator[Collector]:
    environ = environment(kafka) | {"STITCHLINE_TOPIC_PREFIX": settings.topic_prefix}
    with running(environ) as collector:
        yield collector


@pytest.fixture(scope="session")
def arrivals(settings: KafkaSettings) -> Iterator[Arrivals]:
    with reading(settings) as arrivals:
        yield arrivals


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture(scope="session")
def chrome(headless_shell: Path, site: Site) -> Iterator[Browser]:
    with browser(headless_shell, [site.origin()]) as chrome:
        yield chrome


@pytest.fixture(scope="session")
def shop(site: Site, collector: Collector, arrivals: Arrivals) -> Shop:
    return Shop(site, collector, arrivals)


@pytest.fixture
def context(chrome: Browser) -> Iterator[Context]:
    context = chrome.context(viewport=VIEWPORT)
    yield context
    context.end()
