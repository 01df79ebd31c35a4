"""What a stage makes of its settings."""

import pytest

from processors.stage import BUSY_BYTES_MIN, chunk_limits
from runtime.environment.settings import ProcessorSettings

HASH_KEY = "0" * 32


@pytest.mark.parametrize(
    ("fetch_bytes_min", "busy_bytes_min"),
    [
        pytest.param(1, BUSY_BYTES_MIN, id="who wants answers sooner does not wait"),
        pytest.param(BUSY_BYTES_MIN * 2, BUSY_BYTES_MIN * 2, id="one fetch alone is not much"),
    ],
)
def test_what_brings_much_is_what_waits(fetch_bytes_min: int, busy_bytes_min: int) -> None:
    limits = chunk_limits(ProcessorSettings(hash_key=HASH_KEY, fetch_bytes_min=fetch_bytes_min))
    assert limits.busy_bytes_min == busy_bytes_min
    assert limits.busy_wait_s == 0.25
