"""What modules leave open as they are read is told, though garbage is not looked for meanwhile (conftest.py)."""

import subprocess
import sys

from deploy.demo.javascript import CHECKOUT

READS = """\
from tests.conftest import pytest_collection

class Kept:
    pass

reading = pytest_collection()
next(reading)
kept = Kept()
kept.itself, kept.file = kept, open("/dev/null")
del kept
try:
    reading.send(None)
except StopIteration:
    pass
"""


def test_a_file_that_a_module_left_open_is_told() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "always", "-c", READS], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert "ResourceWarning: unclosed file" in run.stderr
