"""The demonstration's examples, on a running stack: visits of the shop, journeys from rule to receiver. Every number is right,
and a wrong one would be seen.
"""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from deploy.demo import example, journeys
from deploy.demo.libraries import Door
from deploy.examples.journeys.receive import Delivery
from deploy.stack import Addresses
from runtime.settings import KafkaSettings
from tests.pipeline.up import Up

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    data = tmp_path_factory.mktemp("example") / "data"
    up = Up(data, **journeys.SOON, **{journeys.SECRET: SECRET})
    yield up
    up.end(signal.SIGTERM)


def test_what_was_clicked_is_in_clickhouse(stack: Up, chromium: Path) -> None:
    addresses = msgspec.convert(stack.addresses, Addresses, strict=False)
    visited = asyncio.run(example.visit(addresses, os.environ))
    checks = example.judge(stack.sql, visited)
    assert [check for check in checks if not check.is_right] == []
    wrong = msgspec.structs.replace(visited, accepted=visited.accepted[1:], order="", refused=1)
    told = example.lines(wrong, example.checks_now(stack.sql, wrong))
    assert len([line for line in told if "WRONG" in line]) == 2


def test_where_there_is_no_browser_the_report_says_so() -> None:
    assert example.lines(example.Visited(none="no Chromium"), []) == [
        "",
        "The example shop was not visited: no Chromium",
    ]


def test_each_firing_reaches_the_receiver_once_and_says_what_it_must(stack: Up) -> None:
    door = Door(stack.addresses["collector"], stack.addresses["write_key"])
    kafka = KafkaSettings(bootstrap_servers=stack.addresses["kafka"], partitions=4)
    receiver = asyncio.run(journeys.play(door, kafka, SECRET))
    checks = journeys.judge(stack.sql, receiver)
    assert [check for check in checks if not check.is_right] == []
    one = Delivery("fire_x", {"type": "onboarding.nudge", "user": journeys.BOB})
    receiver.deliveries["fire_x"] = one
    receiver.refused += 1
    told = journeys.lines(journeys.checks_now(stack.sql, receiver))
    assert len([line for line in told if "WRONG" in line]) == 3


def test_the_story_lasts_seconds_and_the_rules_are_those_of_the_file() -> None:
    document = journeys.shortened(
        {
            "destinations": [{"http": {"url": "x"}}],
            "rules": [
                {"trigger": {"absence": {"within": "1d"}}, "limits": {"quiet_hours": {}, "once": True}},
                {"trigger": {"event": {}}},
            ],
        },
        "http://127.0.0.1:1/",
    )
    assert msgspec.json.encode(document) == msgspec.json.encode(
        {
            "destinations": [{"http": {"url": "http://127.0.0.1:1/"}}],
            "rules": [
                {"trigger": {"absence": {"within": journeys.WITHIN}}, "limits": {"once": True}},
                {"trigger": {"event": {}}},
            ],
        }
    )
