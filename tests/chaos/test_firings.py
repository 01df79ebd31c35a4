"""Firings survive what kills the process of rules and the sender: the short form of tests/chaos/firings.py."""

from pathlib import Path

import pytest

from tests.chaos.firings import Plan, play


@pytest.mark.timeout(400)
def test_whatever_is_killed_each_firing_is_done_once_and_delivered_under_its_id(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    plan = Plan(firings=200, per_s=100, kill_s=(2.0, 3.0), seed=7, failures_max=1)
    tally = play(kafka, topic_prefix, tmp_path, plan)
    assert tally.wrongs == {}
    assert tally.requests >= tally.firings == 200
    assert min(tally.kills.values()) >= 1
