"""What is compiled does what its sources say."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from schemas.compiled import library, origin_of

ROOT = Path(__file__).parents[2]
STEP = "processors.resolver.resolve"


def _whole_step(*options: str) -> dict[str, Any]:
    argv = [sys.executable, *options, "-m", "tests.processors.whole_step"]
    done = subprocess.run(argv, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.timeout(300)  # some ten seconds of a core
def test_the_steps_do_the_same_compiled_and_interpreted() -> None:
    """Where nothing is compiled, both are interpreted."""
    as_it_is, interpreted = _whole_step(), _whole_step("-X", "interpreted")
    assert as_it_is["is_compiled"] == library(STEP, origin_of(STEP)).exists()
    assert not interpreted["is_compiled"]
    assert as_it_is["digests"] == interpreted["digests"]
    assert len(set(interpreted["digests"])) == len(interpreted["digests"]) > 10
