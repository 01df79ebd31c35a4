"""Ids for events that came without: a retry gets its own again, an equal event does not."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.exchange import Request
from collector.unsettled import MessageIds, Unsettled
from schemas.events.reasons import Reason


def request(body: bytes = b"{}", path: str = "/v1/track") -> Request:
    return Request(method="POST", path=path, body=body)


def test_ids_of_an_earlier_attempt_come_first_and_in_order() -> None:
    ids = MessageIds()
    ids.begin(["a", "b"])
    found = [next(ids) for _ in range(4)]
    assert found[:2] == ["a", "b"]
    assert len(set(found)) == 4
    assert ids.made == found
    made = ids.made
    ids.begin()
    assert (made, ids.made) == (found, [])
    assert next(ids) not in found


def test_what_is_remembered_serves_one_retry() -> None:
    unsettled = Unsettled(100, 10)
    unsettled.remember(request(), ["a"], 0)
    assert unsettled
    assert unsettled.take(request(b"{ }"), 1) == []
    assert unsettled.take(request(path="/v1/page"), 1) == []
    assert unsettled.take(request(), 1) == ["a"]
    assert unsettled.take(request(), 1) == []
    assert not unsettled


def test_two_equal_requests_get_one_set_of_ids_each() -> None:
    unsettled = Unsettled(100, 10)
    unsettled.remember(request(), ["a"], 0)
    unsettled.remember(request(), ["b"], 0)
    assert [unsettled.take(request(), 1) for _ in range(3)] == [["a"], ["b"], []]


@pytest.mark.parametrize("reason", [Reason.RATE_LIMITED, Reason.OVERLOADED, Reason.KAFKA_UNAVAILABLE])
@pytest.mark.parametrize("made", [["a", "b"], []])
def test_a_retry_that_is_refused_for_now_leaves_its_ids_to_the_next(reason: Reason, made: list[str]) -> None:
    unsettled = Unsettled(100, 10)
    unsettled.refused(request(), Reason.KAFKA_UNAVAILABLE, [], ["a", "b"], 0)
    unsettled.refused(request(), reason, unsettled.take(request(), 1), made, 1)
    assert unsettled.take(request(), 2) == ["a", "b"]
    assert not unsettled


def test_only_what_may_be_in_kafka_is_remembered() -> None:
    unsettled = Unsettled(100, 10)
    for reason in (Reason.RATE_LIMITED, Reason.OVERLOADED, Reason.INVALID_JSON, Reason.UNKNOWN_WRITE_KEY):
        unsettled.refused(request(), reason, [], ["a"], 0)
    unsettled.refused(request(), Reason.KAFKA_UNAVAILABLE, [], [], 0)
    unsettled.refused(request(), Reason.INVALID_JSON, ["a"], ["a"], 0)
    assert not unsettled


def test_the_oldest_are_forgotten_by_number_and_by_age() -> None:
    unsettled = Unsettled(3, 10)
    for number in range(5):
        unsettled.remember(request(b"%d" % number), [str(number)], number)
    assert [unsettled.take(request(b"%d" % number), 4) for number in (0, 1, 2)] == [[], [], ["2"]]
    assert unsettled.take(request(b"3"), 13) == ["3"]
    assert unsettled.take(request(b"4"), 14.5) == []
    assert not unsettled


@given(
    asked=st.lists(st.tuples(st.booleans(), st.sampled_from([b"a", b"b", b"c"]), st.integers(0, 3))),
    ids_max=st.integers(0, 6),
)
def test_no_id_is_given_twice_and_no_more_are_kept_than_told(
    asked: list[tuple[bool, bytes, int]], ids_max: int
) -> None:
    unsettled, now, given_out, put_in = Unsettled(ids_max, 5), 0.0, Counter[str](), 0
    for put, body, pause in asked:
        now += pause
        if put:
            unsettled.remember(request(body), [f"{put_in}-0", f"{put_in}-1"], now)
            put_in += 1
        else:
            given_out.update(unsettled.take(request(body), now))
    for body in (b"a", b"b", b"c"):
        left = []
        while ids := unsettled.take(request(body), now):
            left += ids
        assert len(left) <= ids_max
        given_out.update(left)
    assert set(given_out.values()) <= {1}
    assert not unsettled
