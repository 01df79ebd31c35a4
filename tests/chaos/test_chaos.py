"""The short form: each kind of process dies once under load, a zombie wakes up, the broker dies. The long one is `make chaos`."""

from pathlib import Path

import pytest

from tests.chaos.faults import Fault, named
from tests.chaos.fleet import Shape
from tests.chaos.round import Plan, play

# The broker first: whoever takes over a zombie's partitions afterwards does so with what it knew before the broker's restart.
SCRIPT = (
    "kill broker",
    "zombie processor",
    "kill ClickHouse in an insert",
    "kill processor",
    "kill sinks",
    "kill collector",
)


def script(*kinds: str) -> list[Fault]:
    return [named(kind) for kind in kinds]


@pytest.mark.timeout(600)
def test_whatever_dies_or_freezes_every_accepted_event_is_stored_once_and_state_is_what_the_log_says(
    tmp_path: Path,
) -> None:
    plan = Plan(seed=1, shape=Shape(), script=script(*SCRIPT), events_per_s=200)
    found = play(tmp_path / "fleet", plan)
    assert (found.lost, found.doubled, found.wrongs) == (0, 0, [])
    assert [fault.kind for fault in found.faults] == list(SCRIPT)
    assert found.events > 1_000
