"""What keeps a collector from being ready, told in words."""

import pytest

from collector.server import missing
from schemas.control import ControlState


class Configuration:
    """The control topic, read so far."""

    def __init__(self, *, is_current: bool = False, problem: str = "") -> None:
        self.state = ControlState()
        self.problem = problem
        self.is_current = is_current


@pytest.mark.parametrize(
    ("kafka", "control", "snapshot_loaded", "told"),
    [
        ("", Configuration(is_current=True), False, []),
        ("", Configuration(), True, []),
        ("", Configuration(), False, ["the control topic has not been read"]),
        ("Kafka is away", Configuration(is_current=True), False, ["Kafka is away"]),
        ("", Configuration(problem="not read any more"), True, ["not read any more"]),
    ],
)
def test_a_collector_is_ready_when_it_can_keep_events_and_knows_its_sources(
    kafka: str, control: Configuration, snapshot_loaded: bool, told: list[str]
) -> None:
    found = missing(kafka, control, snapshot_loaded)
    assert [text[: len(start)] for text, start in zip(found, told, strict=True)] == told
