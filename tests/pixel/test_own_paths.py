"""A site that chose its own names: script, calls and links under its own host, by its own proxy. In a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.sources.install import install_code
from runtime.control import write_control
from runtime.environment.settings import KafkaSettings
from schemas.configuration.configuration_file import parse_file
from schemas.control import ControlState
from tests.collector.process import Collector, ask, environment, prepare, running, until
from tests.pixel.arrivals import reading
from tests.pixel.blocklist import usual_list
from tests.pixel.browser import browser
from tests.pixel.site import serving

KEY = "own-key"


@pytest.fixture(scope="module")
def environ(kafka: str) -> dict[str, str]:
    return environment(kafka)


@pytest.fixture(scope="module")
def settings(environ: dict[str, str]) -> KafkaSettings:
    return prepare(environ)


@pytest.fixture(scope="module")
def collector(environ: dict[str, str], settings: KafkaSettings) -> Iterator[Collector]:
    with running(environ) as collector:
        yield collector


def test_a_site_s_own_names_are_first_party_and_on_no_list(
    headless_shell: Path, collector: Collector, settings: KafkaSettings
) -> None:
    with serving() as site:
        site.pass_on("/assets/", collector.url)
        site.pass_on("/go/", collector.url)
        own = {
            "id": "own",
            "write_keys": [KEY],
            "paths": {"script": "/assets/shop.js", "calls": "/assets/c", "redirect": "/go"},
            "redirect_domains": ["127.0.0.1"],
            "allowed_origins": [site.origin()],
            "pixel": {"pages": True},
        }
        records = dict(parse_file({"sources": [own]}))
        write_control(settings, dict(records), "test")
        source = ControlState(dict(records)).source("own")
        assert source
        until(lambda: ask(collector, "GET", "/assets/shop.js").status_code == 200)
        path = site.show(install_code("html", source, site.origin(), KEY))
        with reading(settings) as arrivals, browser(headless_shell, [site.origin()]) as chrome:
            visitor = chrome.context()
            visitor.block(usual_list())
            page = visitor.page(site.origin() + path)
            page.run("stitchline.track('Own Names Used'); void 0")
            events = arrivals.of(path, 2)
            assert sorted(event.get("event", event["type"]) for event in events) == ["Own Names Used", "page"]
            (cookie,) = [each for each in visitor.cookies() if each["name"] == "stitchline_id"]
            assert cookie["domain"] == "www.shop.example"
            assert {event["anonymousId"] for event in events} == {cookie["value"]}
            asked = {request.url.removeprefix(site.origin()) for request in visitor.requests("/assets/")}
            assert asked == {"/assets/shop.js", "/assets/c/batch", "/assets/c/visitor"}
            target = f"{site.origin('127.0.0.1')}{site.show('arrived')}"  # a port is for a developer's machine alone
            page.goto(f"{site.origin()}/go/own?to={target.replace(':', '%3A').replace('/', '%2F')}")
            assert page.url() == target
            assert page.errors() == []
