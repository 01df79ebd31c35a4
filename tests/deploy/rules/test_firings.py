"""How rules stand and what became of a firing, as the commands tell it: from control and real tables."""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest

from deploy.rules.firings import NoSuchFiring, standing_text, standings, told, told_text
from schemas.control import ControlState
from schemas.rules.rules import Rule, version_of
from schemas.wire.codec import DEAD_LETTER, DELIVERY, FIRING, encode_dead_letter
from tests.sinks.fired import delivery, firing
from tests.sinks.stage import START_MS, Tables

NOW = int(datetime.now(UTC).timestamp() * 1_000)  # noqa: TID251 - the counts are of today
WELCOME = msgspec.convert(
    {
        "rule": "welcome",
        "trigger": {"event": {"event": "Signed Up"}},
        "action": {"webhook": {"destination": "crm"}},
        "limits": {"quota": {"max": 10, "per": "total"}},
    },
    Rule,
)
STATE = ControlState({WELCOME.key: msgspec.json.encode(WELCOME)})


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Iterator[Tables]:
    made = Tables(clickhouse, module_database)
    fired = [
        firing(1, seq=1, at=NOW),
        firing(1, seq=2, at=NOW + 2, state="failed", reason="rejected", attempts=2),
        firing(2, at=NOW, state="refused", reason="suppressed"),
        firing(3, at=START_MS, state="done", attempts=1),
        firing(4, at=NOW + 5),
        firing(5, at=START_MS, rule="former", state="done", attempts=1),
        firing(6, rule="former", state="refused", reason="template_failed", detail="email.to: \x1b[31mno"),
    ]
    made.insert("firings_in", FIRING, fired, "f")
    failed = {"outcome": "retry", "status": 503, "error": "busy", "next_at": NOW + 1}
    attempts = [
        delivery(1, **failed),
        delivery(1, attempt=2, outcome="failed", status=400, answer="\x1b[31mno"),
    ]
    made.insert("deliveries_in", DELIVERY, attempts, "d")
    texts = dict.fromkeys(("workspace", "source", "fingerprint", "message_id"), "main")
    place = {"received_at": NOW, "payload": b"{}", "raw_partition": -1, "raw_offset": -1, "raw_index": -1}
    why = {"stage": "actions", "reason": "rejected", "detail": f"firing fire_{1:032x}: HTTP 400"}
    made.insert("dead_letters_in", DEAD_LETTER, [encode_dead_letter(texts | place | why)], "l")
    yield made
    made.client.close()


def test_a_rule_stands_with_its_counts_its_quota_and_what_waits(tables: Tables) -> None:
    former, welcome = standings(tables.client, STATE)
    assert (former.rule, former.mode, former.fired, former.fired_today) == ("former", "deleted", 2, 0)
    assert (welcome.mode, welcome.level, welcome.version) == ("live", "project", version_of(WELCOME))
    today = {"failed rejected": 1, "refused suppressed": 1, "waiting": 1}
    assert (welcome.fired_today, welcome.today) == (3, today)
    assert (welcome.fired, welcome.ever) == (4, today | {"done": 1})
    assert (welcome.quota_used, welcome.quota_max, welcome.quota_per) == (2, 10, "total")
    assert welcome.last_done == "2023-11-14T22:13:20.000+00:00"
    assert welcome.oldest_waiting.startswith(datetime.fromtimestamp(NOW / 1000, UTC).isoformat()[:10])
    assert "quota  2 of 10 per total" in standing_text(welcome)


def test_a_rule_that_never_fired_is_told_too(tables: Tables) -> None:
    [found] = [each for each in standings(tables.client, ControlState({
        "rule/main/new": msgspec.json.encode(msgspec.structs.replace(WELCOME, rule="new"))
    })) if each.rule == "new"]  # fmt: skip
    assert (found.fired, found.ever, found.last_done, found.quota_used) == (0, {}, "", 0)
    assert "ever  0\n" in standing_text(found)


def test_a_firing_is_told_with_its_states_its_attempts_and_its_dead_letter(tables: Tables) -> None:
    found = told(tables.client, f"fire_{1:032x}")
    assert (found.state, found.reason, found.attempts, found.rule) == ("failed", "rejected", 2, "welcome")
    assert [(each.state, each.reason) for each in found.states] == [("waiting", ""), ("failed", "rejected")]
    tried = [(each.attempt, each.outcome, each.status) for each in found.deliveries]
    assert tried == [(1, "retry", 503), (2, "failed", 400)]
    assert (found.deliveries[0].error, bool(found.deliveries[0].next_at)) == ("busy", True)
    assert found.dead_letter is not None
    assert found.dead_letter.detail.endswith("HTTP 400")
    text = told_text(found)
    assert "\x1b" not in text, "what a destination answers is shown, not obeyed"
    assert "attempt 2" in text


def test_a_firing_that_was_refused_says_what_was_wrong(tables: Tables) -> None:
    found = told(tables.client, f"fire_{6:032x}")
    assert (found.reason, found.detail, found.states[0].detail) == ("template_failed", *[found.detail] * 2)
    first = told_text(found).splitlines()[0]
    assert first.endswith("refused (template_failed: email.to: \\x1b[31mno)")


def test_a_firing_that_nobody_knows_is_a_plain_sentence(tables: Tables) -> None:
    with pytest.raises(NoSuchFiring, match="there is no firing fire_x"):
        told(tables.client, "fire_x")
