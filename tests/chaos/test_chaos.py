"""The short form: each kind of process dies once under load, a zombie wakes up, the broker dies. The long one is `make chaos`."""

from pathlib import Path

import pytest

from tests.chaos.faults import PLAIN_DELIVERY, named
from tests.chaos.fleet import Shape
from tests.chaos.round import Plan, play

# The broker first: whoever takes over a zombie's partitions afterwards does so with what it knew before the broker's restart.
DELIVERY = ("kill broker", "zombie processor", "kill processor")
OTHERS = ("kill sinks behind an insert", "kill ClickHouse in an insert", "kill collector")
SEED = 13  # draws a short absence of the broker
PARTITIONS = 2  # one for each processor, both for the one that is left: each transaction and each block costs, however small


@pytest.mark.timeout(900)
def test_whatever_dies_or_freezes_every_accepted_event_is_stored_once_and_state_is_what_the_log_says(
    tmp_path: Path,
) -> None:
    """By each delivery, one after the other, in one fleet: a second one has to be started, filled and judged, too."""
    script = [*map(named, (*DELIVERY, *OTHERS)), PLAIN_DELIVERY, *map(named, DELIVERY)]
    plan = Plan(
        seed=SEED, shape=Shape(delivery="faust", partitions=PARTITIONS), script=script, events_per_s=200
    )
    found = play(tmp_path / "fleet", plan)
    assert (found.lost, found.doubled, found.wrongs) == (0, 0, [])
    assert [fault.kind for fault in found.faults] == [fault.kind for fault in script]
    assert found.events > 1_000
