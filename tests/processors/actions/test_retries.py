"""When an attempt that failed is made again."""

from processors.actions.retries import JITTER, PAUSES_MS, POSTPONED_MS, postponed_pause_ms, retry_pause_ms

IDS = [f"fire_{number:032x}" for number in range(200)]


def test_pauses_grow_and_the_last_one_stays() -> None:
    for tried, pause in enumerate((*PAUSES_MS, PAUSES_MS[-1]), start=1):
        found = {retry_pause_ms(each, tried) for each in IDS}
        assert pause * (1 - JITTER) <= min(found) < max(found) <= pause * (1 + JITTER)


def test_those_that_failed_together_do_not_come_back_together() -> None:
    """Spread over the whole of the jitter, to either side, and the same whenever it is worked out."""
    for of, pause in ((retry_pause_ms, PAUSES_MS[0]), (postponed_pause_ms, POSTPONED_MS[0])):
        found = [of(each, 1) for each in IDS]
        assert found == [of(each, 1) for each in IDS]
        assert len(set(found)) > len(IDS) // 2
        assert min(found) < pause * (1 - JITTER / 2) < pause * (1 + JITTER / 2) < max(found)


def test_a_destinations_wish_counts_when_it_is_longer() -> None:
    assert retry_pause_ms("a", 1, 60_000) == postponed_pause_ms("a", 1, 60_000) == 60_000
    assert retry_pause_ms("a", 1, 1) == retry_pause_ms("a", 1)
