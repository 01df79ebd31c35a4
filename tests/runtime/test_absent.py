"""A start reads no package that it does not use."""

import subprocess
import sys
from importlib import import_module

import pytest

from runtime.absent import absent

PACKAGE = "this"  # of Python's own; its import prints
STAGES = (
    "processors.worker",
    "processors.rules_worker",
    "sinks.worker",
    "sinks.deliver",
    "collector.server",
    "console.server",
)


def test_what_is_absent_is_found_again_afterwards(capsys: pytest.CaptureFixture[str]) -> None:
    sys.modules.pop(PACKAGE, None)
    for _ in range(2):
        with absent(PACKAGE), pytest.raises(ImportError):
            import_module(PACKAGE)
    assert import_module(PACKAGE).__name__ == PACKAGE
    assert "Zen" in capsys.readouterr().out


def test_what_is_there_already_stays_there() -> None:
    with absent("sys"):
        assert import_module("sys") is sys


STARTS = (
    "collector.__main__",
    "sinks.__main__",
    "console.__main__",
    "deploy.embedded.clickhouse.__main__",
    "deploy.cli",
)


@pytest.mark.parametrize("start", STARTS)
def test_no_command_and_no_stage_reads_rich_when_it_starts(start: str) -> None:
    """Commands read their stages when they are called: all of them at once here."""
    names = ", ".join(("sys", start, *(STAGES if start == "deploy.cli" else ())))
    ran = subprocess.run(
        [sys.executable, "-c", f"import {names}; print('rich' in sys.modules)"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert ran.stdout == "False\n"
