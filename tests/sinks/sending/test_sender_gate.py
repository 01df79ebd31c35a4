"""What one destination may have at once, and what becomes of what does not fit."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sinks.sending.circuit import Rules
from sinks.sending.sender_gate import COME_AGAIN_MS_MAX, Ending, Gate, Later, Limits, Permit

WELL = Ending(health="well", took_ms=100)
ILL = Ending(health="ill", took_ms=100)


def gate(**limits: int | float | None) -> Gate[int]:
    known: dict[str, int | float | None] = {
        "concurrency_max": 2,
        "requests_per_s_max": None,
        "queue_max": 3,
        "queue_ms_max": 10_000,
    }
    return Gate(Limits(**(known | limits)), Rules(failures_max=3))  # type: ignore[arg-type]  # each is of its kind


def test_so_many_begin_so_many_wait_and_the_next_is_told_to_come_again() -> None:
    one = gate()
    verdicts = [one.offer(number, 0) for number in range(7)]
    assert [type(each) for each in verdicts] == [Permit, Permit, *[type(None)] * 3, Later, Later]
    assert one.in_flight == 2
    assert one.waiting == 3


def test_what_waits_begins_in_its_order_as_others_end() -> None:
    one = gate()
    permits = [one.offer(number, 0) for number in range(4)]
    assert one.next_one(0) is None
    assert isinstance(permits[0], Permit)
    one.ended(permits[0], WELL, 100, 0.0)
    found = one.next_one(100)
    assert found is not None
    assert found[0] == 2
    assert one.next_one(100) is None


def test_those_that_are_sent_away_do_not_come_back_all_at_once() -> None:
    one = gate(concurrency_max=1, queue_max=0)
    permit = one.offer(0, 0)
    assert isinstance(permit, Permit)
    one.ended(permit, Ending(health="well", took_ms=1_000), 1_000, 0.0)
    assert isinstance(one.offer(1, 1_000), Permit)
    turns = [verdict.ms for number in range(5) if isinstance(verdict := one.offer(number, 1_000), Later)]
    assert turns == [1_000, 2_000, 3_000, 4_000, 5_000]
    many = [verdict.ms for number in range(1_000) if isinstance(verdict := one.offer(number, 1_000), Later)]
    assert max(many) == COME_AGAIN_MS_MAX


def test_no_more_wait_than_can_have_their_turn_in_time() -> None:
    one = gate(concurrency_max=1, queue_max=1_000, queue_ms_max=5_000)
    permit = one.offer(0, 0)
    assert isinstance(permit, Permit)
    one.ended(permit, Ending(health="well", took_ms=1_000), 1_000, 0.0)
    one.offer(0, 1_000)
    for number in range(100):
        one.offer(number, 1_000)
    assert one.waiting == 5


def test_what_has_waited_too_long_is_sent_away() -> None:
    one = gate(queue_ms_max=1_000)
    for number in range(4):
        one.offer(number, number * 100)
    assert one.evicted(1_200) == []
    [(item, later)] = one.evicted(1_201)
    assert item == 2
    assert later.ms >= 1_000


def test_an_open_circuit_sends_all_away_and_lets_a_probe_begin_when_its_time_has_come() -> None:
    one = gate(concurrency_max=5)
    permits = [one.offer(number, 0) for number in range(7)]
    for permit in permits[:3]:
        assert isinstance(permit, Permit)
        one.ended(permit, ILL, 0, 0.0)
    assert one.circuit.phase == "open"
    assert {item for item, _ in one.evicted(0)} == {5, 6}
    refused = one.offer(9, 4_999)
    assert isinstance(refused, Later)
    assert isinstance(one.offer(9, 5_000), Permit)


def test_a_rate_is_kept_over_any_time() -> None:
    one = gate(concurrency_max=1_000, requests_per_s_max=10.0, queue_max=0)
    begun = sum(isinstance(one.offer(0, now), Permit) for now in range(0, 10_000, 5))
    assert 100 <= begun <= 110


def test_a_rate_below_one_a_second_lets_one_pass() -> None:
    one = gate(requests_per_s_max=0.1)
    assert isinstance(one.offer(0, 0), Permit)
    assert one.offer(1, 0) is None
    assert one.next_one(9_999) is None
    assert one.next_one(10_000) is not None


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["offer", "well", "ill", "next"]), st.integers(0, 2_000)), max_size=80)
)
def test_whatever_happens_no_more_are_on_their_way_or_wait_than_may(steps: list[tuple[str, int]]) -> None:
    one, now, permits = gate(), 0, []
    for what, passed in steps:
        now += passed
        if what == "offer":
            verdict = one.offer(0, now)
            permits += [verdict] if isinstance(verdict, Permit) else []
        elif what == "next" and (found := one.next_one(now)) is not None:
            permits.append(found[1])
        elif what in ("well", "ill") and permits:
            one.ended(permits.pop(), WELL if what == "well" else ILL, now, 0.5)
        assert one.in_flight == len(permits) <= 2
        assert one.waiting <= 3
