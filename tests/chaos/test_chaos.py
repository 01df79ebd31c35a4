"""The short form: each kind of process dies once under load, a zombie wakes up, the broker dies. The long one is `make chaos`."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.chaos.faults import named
from tests.chaos.fleet import Shape
from tests.chaos.round import Plan, play

# The broker first: whoever takes over a zombie's partitions afterwards does so with what it knew before the broker's restart.
DELIVERY = ("kill broker", "zombie processor", "kill processor")
EACH = (*DELIVERY, "kill sinks behind an insert", "kill ClickHouse in an insert", "kill collector")
SEED = 13  # draws a short absence of the broker
PARTITIONS = 2  # one for each processor, both for the one that is left: each transaction and each block costs, however small


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("delivery", "kinds"), [("faust", EACH), ("plain", DELIVERY)], ids=["faust", "plain"]
)
def test_whatever_dies_or_freezes_every_accepted_event_is_stored_once_and_state_is_what_the_log_says(
    tmp_path: Path, delivery: str, kinds: Sequence[str]
) -> None:
    script = [named(kind) for kind in kinds]
    plan = Plan(
        seed=SEED, shape=Shape(delivery=delivery, partitions=PARTITIONS), script=script, events_per_s=200
    )
    found = play(tmp_path / "fleet", plan)
    assert (found.lost, found.doubled, found.wrongs) == (0, 0, [])
    assert [fault.kind for fault in found.faults] == list(kinds)
    assert found.events > 1_000
