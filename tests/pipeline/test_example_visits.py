"""The demonstration's visits of the example shop, on a running stack: every number is right, and a wrong one would be seen."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from deploy.demo import example
from deploy.stack import Addresses
from tests.pipeline.up import Up

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    up = Up(tmp_path_factory.mktemp("example") / "data")
    yield up
    up.end(signal.SIGTERM)


def test_what_was_clicked_is_in_clickhouse(stack: Up, chromium: Path) -> None:
    addresses = msgspec.convert(stack.addresses, Addresses, strict=False)
    visited = asyncio.run(example.visit(addresses, os.environ))
    checks = example.judge(stack.sql, visited)
    assert [check for check in checks if not check.is_right] == []
    wrong = msgspec.structs.replace(visited, accepted=visited.accepted[1:], order="", refused=1)
    told = example.lines(wrong, example.checks_now(stack.sql, wrong))
    assert len([line for line in told if "WRONG" in line]) == 2


def test_where_there_is_no_browser_the_report_says_so() -> None:
    assert example.lines(example.Visited(none="no Chromium"), []) == [
        "",
        "The example shop was not visited: no Chromium",
    ]
