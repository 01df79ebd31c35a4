"""What a test of this folder has that does not make its own: a site, and a door where the collector would be."""

from collections.abc import Iterator

import pytest

from tests.pixel.browser import Browser
from tests.pixel.door import Door, opened
from tests.pixel.site import Site, serving


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def door() -> Iterator[Door]:
    with opened() as door:
        yield door


@pytest.fixture(autouse=True)
def windows(request: pytest.FixtureRequest) -> Iterator[None]:
    """Those that a test has opened are closed with it."""
    yield
    if "chrome" in request.fixturenames:
        chrome: Browser = request.getfixturevalue("chrome")
        chrome.end_contexts()
