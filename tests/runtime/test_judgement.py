"""When a watchdog suspects and ends: what ought to move, what need not, and which time counts."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.watch.judgement import (
    SUSPICION,
    Concern,
    Limits,
    Look,
    Phase,
    Pulse,
    Sight,
    Survey,
    Verdict,
    Watch,
    concerns,
)

LIMITS = Limits(stall_s=10, recovery_stall_s=20, rebalance_s=30)
HERE = ("resolve", 3)
NOBODY, ANSWERS = Survey(), Survey(answers=True)
WAITING = Survey(answers=True, waiting={HERE: 7})


def sight(phase: Phase = Phase.RUNNING, **fields: Any) -> Sight:
    seen = {"position": 7, "beats": 1} | fields
    return Sight(reader="resolve", topic="raw", partition=3, phase=phase, **seen)


@pytest.mark.parametrize(
    ("seen", "survey", "limit_s"),
    [
        pytest.param(sight(Phase.OPENING), NOBODY, 20, id="an opening, whether Kafka answers or not"),
        pytest.param(sight(Phase.OPENING, position=None), ANSWERS, 20, id="an opening of what is unknown"),
        pytest.param(sight(is_busy=True), NOBODY, 10, id="a chunk, whether Kafka answers or not"),
        pytest.param(sight(is_busy=True), WAITING, 10, id="a chunk"),
        pytest.param(sight(), WAITING, 10, id="records that wait"),
        pytest.param(sight(), ANSWERS, None, id="not: nothing waits"),
        pytest.param(sight(), Survey(False, {HERE: 7}), None, id="not: Kafka does not answer"),
        pytest.param(sight(position=8), WAITING, None, id="not: read since"),
        pytest.param(sight(position=None), WAITING, None, id="not: nobody knows where"),
        pytest.param(sight(Phase.HELD), WAITING, None, id="not: held"),
        pytest.param(sight(Phase.REBALANCING, is_busy=True), WAITING, None, id="not: rebalancing"),
        pytest.param(sight(Phase.STOPPING, is_busy=True), WAITING, None, id="not: stopping"),
    ],
)
def test_a_partition_ought_to_move(seen: Sight, survey: Survey, limit_s: float | None) -> None:
    found = [concern.limit_s for concern in concerns(Look([seen]), survey, LIMITS)]
    assert found == ([] if limit_s is None else [limit_s])


def test_a_group_ought_to_come_to_rest_while_kafka_answers() -> None:
    look = Look(unsettled="it has to be joined again")
    assert list(concerns(look, NOBODY, LIMITS)) == []
    [found] = concerns(look, ANSWERS, LIMITS)
    assert (found.subject, found.kind, found.limit_s) == ("consumer group", "it has to be joined again", 30)


def test_who_waits_for_kafkas_answers_ought_to_get_them_while_kafka_answers() -> None:
    look = Look(pulses=[Pulse("sink", 1, limit_s=5, asks_kafka=True), Pulse("loop", 1, limit_s=5)])
    assert [found.subject for found in concerns(look, NOBODY, LIMITS)] == ["loop"]
    assert [found.subject for found in concerns(look, ANSWERS, LIMITS)] == ["sink", "loop"]


def judged(looks: Sequence[Look], survey: Survey = WAITING, interval_s: float = 1.0) -> list[Verdict | None]:
    """What is thought of looks that are one interval apart."""
    watch = Watch(interval_s)
    return [
        watch.observe(second * interval_s, list(concerns(look, survey, LIMITS)))
        for second, look in enumerate(looks)
    ]


def test_what_stands_still_is_suspicious_and_then_final() -> None:
    verdicts = judged([Look([sight()])] * 11)
    assert verdicts[:9] == [None] * 9
    suspicion, final = verdicts[9:]
    assert suspicion is not None
    assert not suspicion.is_final
    assert final is not None
    assert final.is_final
    assert final.sentence == (
        "resolve, raw[3]: nothing is read although records wait, for 10 s; the limit is 10 s"
    )


@pytest.mark.parametrize(
    "moved",
    [
        pytest.param(sight(position=8), id="it moved on"),
        pytest.param(sight(beats=2), id="it gave a sign of life"),
        pytest.param(sight(Phase.HELD), id="it was held"),
        pytest.param(sight(is_busy=True), id="it was read"),
    ],
)
def test_any_change_begins_the_count_anew(moved: Sight) -> None:
    assert judged([Look([sight()])] * 9 + [Look([moved])] + [Look([sight()])] * 9) == [None] * 19


def test_a_recovery_that_advances_may_take_any_time() -> None:
    looks = [Look([sight(Phase.OPENING, position=None, beats=second // 15)]) for second in range(10_000)]
    assert set(judged(looks)) == {None}


def test_a_lane_that_tries_again_and_again_is_alive() -> None:
    """While what it needs is away: opening, refused, held, opening."""
    phases = [Phase.OPENING, Phase.OPENING, Phase.HELD]
    looks = [Look([sight(phases[second % 3], beats=second // 3)]) for second in range(10_000)]
    assert set(judged(looks)) == {None}


def test_a_group_may_change_its_reason_and_is_still_unsettled() -> None:
    reasons = ["no partitions are assigned", "it has to be joined again"]
    verdicts = judged([Look(unsettled=reasons[second % 2]) for second in range(31)])
    assert verdicts[-1] is not None
    assert verdicts[-1].is_final


def test_the_worst_is_named() -> None:
    pulses = [Pulse("slow", 1, limit_s=12), Pulse("stuck", 1, limit_s=4), Pulse("alive", 1, limit_s=100)]
    verdict = judged([Look(pulses=pulses)] * 20)[-1]
    assert verdict is not None
    assert verdict.subject == "stuck"


STILL = [Concern("thing", "stands", (1,), 10.0)]


def test_time_in_which_nobody_looked_does_not_count() -> None:
    watch = Watch(1.0)
    times = [0.0, 1.0, 2.0, 5_000.0, 5_001.0, 90_000.0]
    assert [watch.observe(now, STILL) for now in times] == [None] * len(times)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60), st.floats(0.1, 5))
def test_no_verdict_without_that_many_looks(pauses: list[float], interval_s: float) -> None:
    watch = Watch(interval_s)
    now = 0.0
    for count, pause in enumerate(pauses):
        now += pause
        verdict = watch.observe(now, STILL)
        assert verdict is None or count * interval_s >= SUSPICION * 10.0 - 1e-6


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=80))
def test_a_verdict_is_of_what_did_not_change_for_its_limit(steps: list[tuple[int, bool]]) -> None:
    """Whatever happens, by a naive count of the same seconds."""
    watch = Watch(1.0)
    last, stood = None, 0
    for second, (marker, is_expected) in enumerate(steps):
        expected = [Concern("thing", "stands", (marker,), 5.0)] if is_expected else []
        verdict = watch.observe(float(second), expected)
        stood = stood + 1 if is_expected and last == marker else 0
        last = marker if is_expected else None
        assert (verdict is not None) == (is_expected and stood >= 5 * SUSPICION)
