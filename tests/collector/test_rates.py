"""A source's rate: what passes, what waits for how long, and that no batch waits for ever."""

from hypothesis import given
from hypothesis import strategies as st

from collector.rates import RateLimits
from schemas.sources.sources import Source


def source(rate: float | None, burst: int | None = None, name: str = "shop") -> Source:
    return Source(id=name, write_key_hashes=[], events_per_s_max=rate, burst_events_max=burst)


def test_a_source_without_a_rate_never_waits() -> None:
    limits = RateLimits()
    assert {limits.wait_s(source(None), 1_000_000, 0.0) for _ in range(9)} == {0}


def test_a_burst_passes_and_then_the_rate_holds() -> None:
    limits, shop = RateLimits(), source(2, 10)
    assert [limits.wait_s(shop, 1, 0.0) for _ in range(11)] == [0] * 10 + [1]
    assert [limits.wait_s(shop, 1, 0.5), limits.wait_s(shop, 1, 0.5)] == [0, 1]
    assert limits.wait_s(shop, 8, 1.0) == 4


def test_without_a_burst_one_second_s_worth_passes_at_once() -> None:
    limits = RateLimits()
    assert [limits.wait_s(source(3), 1, 0.0) for _ in range(4)] == [0, 0, 0, 1]
    assert [limits.wait_s(source(0.1, name="slow"), 1, 0.0) for _ in range(2)] == [0, 10]


def test_a_batch_larger_than_the_burst_passes_when_the_bucket_is_full_and_leaves_a_debt() -> None:
    limits, shop = RateLimits(), source(10, 20)
    assert limits.wait_s(shop, 100, 0.0) == 0
    assert limits.wait_s(shop, 1, 0.0) == 9  # 80 owed, and one more
    assert [limits.wait_s(shop, 1, 8.0), limits.wait_s(shop, 1, 8.2)] == [1, 0]


def test_sources_do_not_share_a_bucket_and_nothing_costs_nothing() -> None:
    limits = RateLimits()
    assert limits.wait_s(source(1, 1), 1, 0.0) == 0
    assert limits.wait_s(source(1, 1), 0, 0.0) == 0
    assert limits.wait_s(source(1, 1, "blog"), 1, 0.0) == 0


def test_a_lower_rate_holds_from_its_first_moment() -> None:
    limits = RateLimits()
    assert limits.wait_s(source(100, 1_000), 1, 0.0) == 0
    assert [limits.wait_s(source(1, 1), 1, 0.0) for _ in range(2)] == [0, 1]


@given(
    rate=st.floats(0.01, 1_000),
    burst=st.integers(1, 1_000),
    asked=st.lists(st.tuples(st.integers(1, 2_000), st.floats(0, 10)), max_size=50),
)
def test_who_waits_as_told_is_let_through_and_the_rate_is_kept(
    rate: float, burst: int, asked: list[tuple[int, float]]
) -> None:
    limits, shop, now, passed, last = RateLimits(), source(rate, burst), 0.0, 0, 0
    for events, pause in asked:
        now += pause
        if wait := limits.wait_s(shop, events, now):
            now += wait + 0.001
            assert limits.wait_s(shop, events, now) == 0
        passed, last = passed + events, events
    assert passed <= burst + rate * now + last + 1e-3
