"""A test of a running stack that fails shows what the stack's processes logged."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.pipeline.up import Up

TAIL_CHARACTERS = 3_000


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for stack in (value for value in item.funcargs.values() if isinstance(value, Up)):
            for log in sorted((Path(stack.addresses["data"]) / "logs").glob("*.log")):
                report.sections.append((log.name, log.read_text(errors="replace")[-TAIL_CHARACTERS:]))
    return report
