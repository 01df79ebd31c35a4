"""A dry run says of stored events what the agents say of the same events as they come."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
import yaml

from deploy.rehearsals.rehearsal import Report
from deploy.rehearsals.rehearsal_events import TooMuch
from deploy.rehearsals.rehearsal_people import People
from deploy.rules import rule_shown
from processors.actions.actions_agent import Actions
from processors.rules.rule_events import iso
from processors.rules.rules_agent import RulesStep
from processors.rules.rules_now import NO_RULES, rules_of
from processors.rules.triggers import Triggers
from schemas.actions.action_work import decode_work, encode_work
from schemas.rules.rule_candidates import decode_rule_candidate
from schemas.rules.rule_facts import encode_rule_facts
from schemas.rules.rules import version_of
from schemas.segments.segment_windows import moment_of
from schemas.stream import InputRecord
from schemas.topics import ACTIONS, ACTIONS_WORK, RULES_CANDIDATES
from schemas.wire.codec import RESOLVED_EVENT, decode
from sinks.confirming.confirmer import Manner
from sinks.storing.tables import DICTIONARIES
from tests.processors.driver import HASH_KEY
from tests.processors.rule_records import control, index, resolved, rule
from tests.sinks.stage import START_MS, Tables

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
SINCE, UNTIL = START_MS - HOUR, START_MS + 34 * HOUR
TICK = 30_000
BUYS = {"event": {"event": "Order Completed", "where": [{"path": "revenue", "op": "gte", "value": 50}]}}

RULES: dict[str, dict[str, Any]] = {
    "plain": {"trigger": BUYS},
    "capped": {"trigger": BUYS, "limits": {"caps": [{"max": 1, "within": "1d"}]}},
    "once": {"trigger": BUYS, "limits": {"once": True}},
    "quota": {"trigger": BUYS, "limits": {"quota": {"max": 3, "per": "day"}}},
    "products": {
        "trigger": {
            "event": {
                "event": "Order Completed",
                "where": [
                    {"any": {"path": "products", "where": [{"path": "sku", "op": "eq", "value": "mug"}]}}
                ],
            }
        }
    },
    "pros": {"trigger": BUYS, "conditions": {"traits": [{"name": "plan", "op": "eq", "value": "pro"}]}},
    "quiet": {"trigger": BUYS, "limits": {"quiet_hours": {"start": "20:00", "end": "23:30"}}},
    "dropped": {
        "trigger": BUYS,
        "limits": {"quiet_hours": {"start": "20:00", "end": "23:30", "then": "drop"}},
    },
    "away": {
        "trigger": {
            "absence": {"after": {"event": "Cart Viewed"}, "of": {"event": "Order Completed"}, "within": "1h"}
        }
    },
    "trait": {"trigger": {"trait": {"name": "plan", "to": {"op": "eq", "value": "pro"}}}},
    "visits": {"trigger": {"source": {"channels": ["email"]}}},
    "off": {"trigger": BUYS, "mode": "off"},
}


def _values() -> list[bytes]:
    """Sixteen hours of ten visitors; one event in seven is more than a day late."""
    found = []
    for number in range(88):
        at = START_MS + number * 11 * MINUTE
        received = at + (25 * HOUR if number % 7 == 4 else 40)
        subject = number % 10 + 1
        said: dict[str, Any] = {
            "timestamp": at,
            "received_at": received,
            "subject": subject,
            "profile_id": f"{subject:016x}",
        }
        kind = number % 4
        if kind == 0:
            items = [{"sku": "mug" if number % 3 else "cup"}]
            said |= {
                "event": "Order Completed",
                "commerce": {"revenue": Decimal(20 + 5 * number)},
                "items": items,
            }
        elif kind == 1:
            said |= {"event": "Cart Viewed"}
        elif kind == 2:
            said |= {
                "type": "identify",
                "event": "",
                "traits": {"plan": "pro" if number % 8 == 2 else "free"},
            }
        else:
            visit = {"number": 1, "started_at": at, "touch": {"channel": "email"}}
            said |= {
                "type": "page",
                "event": "",
                "name": "Home",
                "visit": visit,
                "session_id": f"{subject:016x}-{at:x}",
            }
        found.append(resolved(number, **said))
    return sorted(found, key=lambda value: decode(value)["received_at"])


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Tables:
    tables = Tables(clickhouse, module_database)
    tables.insert("events_in", RESOLVED_EVENT, _values(), "rehearsed")
    tables.reload(DICTIONARIES)
    return tables


def _environ(tables: Tables) -> dict[str, str]:
    return {
        "CLICKHOUSE_URL": tables.settings.url,
        "STITCHLINE_DATABASE": tables.settings.database,
        "STITCHLINE_HASH_KEY": HASH_KEY.hex(),
    }


def _rehearsed(tables: Tables, document: dict[str, Any], most: int = 1_000) -> Report:
    state = control(document)
    wanted = rule_shown.chosen(state, document["rule"], "main")
    span = rule_shown.span_of(iso(SINCE), iso(UNTIL), most)
    return rule_shown.dry_run(_environ(tables), state, wanted, span)


class Live:
    """The agents as they run, with ticks of half a minute; `People` confirms."""

    def __init__(self, tables: Tables, document: dict[str, Any]) -> None:
        tested = document | {"mode": "test"}
        state = control(tested)
        self._rule = rule_shown.chosen(state, document["rule"], "main")
        made, now = index(tested), rules_of(state, NO_RULES)
        self._steps = (
            Triggers(lambda: made, hash_key=HASH_KEY, partitions=1),
            RulesStep(partitions=1, rules=lambda _names: now),
            Actions(hash_key=HASH_KEY, partitions=1, result_wait_s=600),
        )
        self._states: tuple[dict[bytes, bytes], ...] = ({}, {}, {})
        people = People(tables.settings, Manner(1_000, HASH_KEY, ""), state, UNTIL)
        self._confirm = people.confirm(self._rule)
        self.firings: dict[str, tuple[str, str]] = {}

    def run(self, values: Iterable[bytes]) -> None:
        now = SINCE
        for value in values:
            received = int(decode(value)["received_at"].timestamp() * 1000)
            now = self._until(now, received)
            self._take(0, value, received)
        self._until(now, UNTIL + DAY, last=UNTIL)

    def _until(self, now: int, end: int, last: int = 0) -> int:
        """`last`: later the rules' own clock stands."""
        while now + TICK <= end:
            now += TICK
            if not last or now <= last:
                self._take(1, encode_rule_facts(tick=now), now)
            self._take(2, encode_work(tick=now), now)
        return now

    def _take(self, agent: int, value: bytes, now: int) -> None:
        for each in self._steps[agent](0, [InputRecord(0, now, None, value)], self._states[agent]):
            if each.topic == ACTIONS.name:
                told = decode(each.value)
                self.firings[told["firing_id"]] = (told["state"], told["reason"])
            elif each.topic == RULES_CANDIDATES.name:
                for firing in self._confirm([(now, decode_rule_candidate(each.value))]):
                    self._take(2, encode_work([firing]), now)
            elif each.topic == ACTIONS_WORK.name:
                if decode_work(each.value).items:
                    self._take(2, each.value, now)
            else:
                self._take(agent + 1, each.value, now)


def _counted(firings: Iterable[tuple[str, str]]) -> tuple[int, dict[str, int]]:
    listed = list(firings)
    refused = sorted(reason for state, reason in listed if state == "refused")
    return sum(state == "test" for state, _ in listed), {
        reason: refused.count(reason) for reason in dict.fromkeys(refused)
    }


def test_the_rules_meet_what_refuses_them(tables: Tables) -> None:
    reasons = {
        name: set(_rehearsed(tables, rule(name, **RULES[name])).refused)
        for name in ("plain", "capped", "once")
    }
    assert reasons == {"plain": {"expired"}, "capped": {"capped", "expired"}, "once": {"once", "expired"}}


def test_a_dry_run_tells_who_and_why(tables: Tables) -> None:
    report = _rehearsed(tables, rule("capped", **RULES["capped"]))
    fires = [each for each in report.sample if each.state == "test"]
    assert fires[0].profile_id
    assert fires[0].message_id.startswith("m")
    assert {each.reason for each in report.sample if each.state == "refused"} == {"capped", "expired"}
    said = rule_shown.told(report)
    assert f"would have fired {report.fired} time" in said
    assert f"refused, capped: {report.refused['capped']}" in said


def test_changes_of_a_segment_are_rehearsed_as_they_were_told(tables: Tables) -> None:
    names = [
        "workspace",
        "segment",
        "profile",
        "seq",
        "version",
        "change",
        "reason",
        "observed_at",
        "effective_at",
    ]
    changes = [
        (1, 1, "enter", "data"),
        (1, 2, "leave", "time"),
        (2, 1, "enter", "initial"),
        (3, 1, "enter", "merge"),
    ]
    rows = [
        ["main", "vips", profile, seq, "v1", change, reason, moment_of(START_MS + seq), moment_of(START_MS)]
        for profile, seq, change, reason in changes
    ]
    tables.client.insert("segment_changes", rows, column_names=names)
    entered = _rehearsed(tables, rule("in", trigger={"segment": {"entered": "vips"}}))
    initial = _rehearsed(tables, rule("in", trigger={"segment": {"entered": "vips", "initial": True}}))
    left = _rehearsed(tables, rule("out", trigger={"segment": {"left": "vips"}}))
    assert [(each.events, each.fired) for each in (entered, initial, left)] == [(4, 1), (4, 2), (4, 1)]
    assert entered.sample[0].profile_id == f"{1:016x}"


def test_a_schedule_for_nobody_comes_up_as_often_as_its_moments(tables: Tables) -> None:
    report = _rehearsed(tables, rule("daily", trigger={"schedule": {"cron": "0 9 * * *"}}))
    assert (report.events, report.fired, report.refused) == (0, 1, {})


def test_more_events_than_a_dry_run_may_read_are_refused(tables: Tables) -> None:
    with pytest.raises(TooMuch, match="--from and --to"):
        _rehearsed(tables, rule("plain", **RULES["plain"]), most=3)


def test_a_rule_is_shown_with_its_version_and_what_became_of_it(tables: Tables) -> None:
    wanted = rule_shown.chosen(control(rule("plain", **RULES["plain"])), "plain", "main")
    assert rule_shown.counts_of(tables.settings, wanted) == {}
    said = rule_shown.shown(wanted, {"done": 3, "refused capped": 2})
    assert f"# version {version_of(wanted)}, level project, mode live, trigger event" in said
    assert "# refused capped: 2" in said
    assert yaml.safe_load(said)["rule"] == "plain"


@pytest.mark.parametrize("name", [name for name in RULES if name not in ("once", "dropped", "off")])
def test_a_dry_run_says_what_the_agents_would_have_done(tables: Tables, name: str) -> None:
    document = rule(name, **RULES[name])
    live = Live(tables, document)
    live.run(value for value in _values() if SINCE <= decode(value)["received_at"].timestamp() * 1000 < UNTIL)
    report = _rehearsed(tables, document)
    assert (report.fired, report.refused) == _counted(live.firings.values())
    assert report.fired + sum(report.refused.values()) > 0
    assert report.waiting == 0
