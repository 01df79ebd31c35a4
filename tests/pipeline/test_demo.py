"""The demonstration itself: the README's first command, on its own engines."""

import os
import subprocess
import sys

import pytest


@pytest.mark.timeout(240)
def test_the_demonstration_shows_people_and_every_number_is_right() -> None:
    environ = {
        key: value
        for key, value in os.environ.items()
        if key not in ("KAFKA_BOOTSTRAP_SERVERS", "CLICKHOUSE_URL")
    }
    ran = subprocess.run(
        [sys.executable, "-m", "deploy", "demo"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    assert "by what came later" in ran.stderr
    assert "accepted 303 = stored 262 + duplicates 38 + dead letters 3" in ran.stderr
