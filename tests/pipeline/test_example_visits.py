"""The demonstration's examples, on a running stack: visits of the shop, journeys from rule to receiver. Every number is right,
and a wrong one would be seen. And what the examples have no time for: somebody who opts out in the night.
"""

import asyncio
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from deploy.applying.authority import Wish
from deploy.applying.configuration import apply_file
from deploy.demo import example, journeys
from deploy.demo.libraries import Door
from deploy.examples.journeys.receive import Delivery
from deploy.stack.stack import Addresses
from runtime.environment.settings import KafkaSettings, load
from tests.pipeline.up import Up, deployment, until
from tests.sinks.receiver import receiver

PATIENCE_S = 150  # up to the next full minute but one
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def settings(kafka: str, clickhouse: str) -> Iterator[dict[str, str]]:
    with deployment(kafka, clickhouse) as ours:
        yield ours


@pytest.fixture(scope="module")
def stack(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    data = tmp_path_factory.mktemp("example") / "data"
    up = Up(data, **settings, **journeys.SOON, **{journeys.SECRET: SECRET})
    yield up
    up.end(signal.SIGTERM)


def test_what_was_clicked_is_in_clickhouse(stack: Up, settings: dict[str, str], chromium: Path) -> None:
    addresses = msgspec.convert(stack.addresses, Addresses, strict=False)
    visited = asyncio.run(example.visit(addresses, settings))
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


def test_each_firing_reaches_the_receiver_once_and_says_what_it_must(
    stack: Up, settings: dict[str, str]
) -> None:
    door = Door(stack.addresses["collector"], stack.addresses["write_key"])
    kafka = load(KafkaSettings, settings)
    receiver = asyncio.run(journeys.play(door, kafka, SECRET))
    checks = journeys.judge(stack.sql, receiver)
    assert [check for check in checks if not check.is_right] == []
    one = Delivery("fire_x", {"type": "onboarding.nudge", "user": journeys.BOB})
    receiver.deliveries["fire_x"] = one
    receiver.refused += 1
    told = journeys.lines(journeys.checks_now(stack.sql, receiver))
    assert len([line for line in told if "WRONG" in line]) == 3


LATER_S = 25  # the night lasts so long at least
NIGHT = """
destinations: [{{destination: night, http: {{url: "{url}", allow_private_addresses: true}}}}]
contact_lists: [{{list: left-alone, channel: email, kind: opt_out, added_by: [{{event: Left Alone}}]}}]
rules:
  - rule: night
    trigger: {{event: {{event: Asked By Night}}}}
    action: {{webhook: {{destination: night, body: {{email: "{{{{ profile.email }}}}"}}}}}}
    limits: {{quiet_hours: {{start: "{start:%H:%M}", end: "{end:%H:%M}"}}}}
"""


def _call(kind: str, name: str, person: str, **said: Any) -> dict[str, Any]:
    whose = {"type": kind, "userId": f"night-{person}", "messageId": f"night-{name}-{person}"}
    return whose | ({"event": name} if kind == "track" else {}) | said


def test_who_opts_out_in_the_night_gets_nothing_in_the_morning(
    stack: Up, settings: dict[str, str], tmp_path: Path
) -> None:
    file, kafka = tmp_path / "night.yaml", load(KafkaSettings, settings)
    states = "SELECT state, reason FROM firings WHERE rule = 'night' ORDER BY message_id"
    traits = {person: {"email": f"{person}@night.example"} for person in ("ann", "bob")}
    known = [_call("identify", "known", person, traits=said) for person, said in traits.items()]
    with receiver() as there:
        now = datetime.now(UTC)  # noqa: TID251 - quiet hours are of the clock on the wall
        end = (now + timedelta(seconds=LATER_S + 60)).replace(second=0, microsecond=0)
        file.write_text(NIGHT.format(url=there.url("/night"), start=now - timedelta(minutes=5), end=end))
        apply_file(file, kafka, Wish("night"))
        assert stack.post("/v1/batch", {"batch": known}) == 200
        people = "SELECT count() FROM traits WHERE value LIKE '%@night.example%'"
        until(lambda: stack.ask(people), [[2]])
        asked = [_call("track", "Asked By Night", person) for person in traits]
        assert stack.post("/v1/batch", {"batch": asked}) == 200
        until(lambda: stack.ask(states), [["waiting", "quiet_hours"]] * 2)
        left = {
            "type": "track",
            "event": "Left Alone",
            "anonymousId": "night-phone",
            "properties": traits["ann"],
        }
        assert stack.post("/v1/batch", {"batch": [left]}) == 200
        assert there.ids() == [], "it is night"
        until(lambda: stack.ask(states), [["refused", "suppressed"], ["done", ""]], PATIENCE_S)
        assert [msgspec.json.decode(got.body) for got in there.got] == [traits["bob"]]


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
