"""One connection: requests begin one after another, answers come in their order, and nothing lasts for ever."""

import pytest

from collector.http.faults import AT_ONCE_MAX, INCOMPLETE, NO_HTTP, TOO_MANY_AT_ONCE, TOO_SLOW
from collector.http.peer import LINGER_S
from tests.collector.http.sockets import BODY_BYTES_MAX, Side, get, post

EARLY = 0.9


def test_a_request_is_answered_and_the_connection_goes_on() -> None:
    side = Side()
    for number in range(3):
        side.send(post(b"%d" % number))
        side.answer(number, b"ok")
    assert side.desk.bodies == [b"0", b"1", b"2"]
    assert side.transport.sent.count(b"\r\n\r\nok") == 3
    assert b"connection:" not in side.transport.sent
    assert not side.transport.is_closed


def test_a_body_is_put_together_from_its_pieces() -> None:
    side = Side()
    sent = post(b"abcdef")
    side.send(sent[:-4], sent[-4:-3], sent[-3:])
    assert side.desk.bodies == [b"abcdef"]


def test_the_next_request_begins_when_the_one_before_is_answered() -> None:
    side = Side()
    side.send(get("/a") + post(b"x", path="/b") + get("/c"))
    assert side.paths == ["/a"]
    assert side.transport.is_paused, "nothing more is read meanwhile"
    side.answer(0, b"a")
    assert (side.paths, side.desk.bodies) == (["/a", "/b"], [b"x"])
    side.answer(1, b"b")
    assert not side.transport.is_paused
    side.answer(2, b"c")
    assert [part[-1:] for part in side.transport.sent.split(b"HTTP/1.1 200")[1:]] == [b"a", b"b", b"c"]


def test_those_that_are_answered_at_once_do_not_wait_for_more_bytes() -> None:
    side = Side()
    side.send(get("/a") + get("/now") * 5 + get("/b") + post(b"1", path="/c")[:-1])
    side.answer(0)
    assert side.paths == ["/a", *["/now"] * 5, "/b"]
    side.answer(6)
    assert side.paths[-1] == "/c"
    assert not side.transport.is_paused, "its body is to come"
    side.send(b"1")
    assert side.desk.bodies == [b"1"]


def test_more_requests_at_once_than_there_may_be_are_refused_behind_the_others() -> None:
    side = Side()
    side.send(get("/a") * (AT_ONCE_MAX + 5))
    for number in range(AT_ONCE_MAX + 1):
        assert side.statuses == [200] * number
        side.answer(number)
    assert side.statuses == [200] * (AT_ONCE_MAX + 1) + [429]
    assert side.desk.refusals == [TOO_MANY_AT_ONCE]
    assert side.transport.is_half_closed


def test_who_wants_no_more_is_hung_up_on_after_the_answer() -> None:
    side = Side()
    side.send(get("/a", "connection: close") + get("/b"))
    assert not side.transport.is_closed
    side.answer(0, b"a")
    assert b"\r\nconnection: close\r\n" in side.transport.sent
    assert side.transport.is_closed
    assert side.paths == ["/a"]


def test_who_has_to_be_told_that_the_connection_is_kept_is_told() -> None:
    side = Side()
    side.send(b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
    side.answer(0)
    assert b"\r\nconnection: keep-alive\r\n" in side.transport.sent
    assert not side.transport.is_closed


def test_the_answer_to_a_head_request_has_a_length_and_no_body() -> None:
    side = Side()
    side.send(get("/").replace(b"GET", b"HEAD"))
    side.answer(0, b"body")
    assert b"content-length: 4\r\n" in side.transport.sent
    assert side.transport.sent.endswith(b"\r\n\r\n")


def test_an_answer_comes_once() -> None:
    side = Side()
    side.send(get("/a") + get("/b"))
    for _ in range(2):
        side.answer(0, b"a")
    assert side.statuses == [200]
    side.answer(1)
    assert side.statuses == [200, 200]


def test_a_body_over_the_limit_is_refused_before_its_end_and_the_answer_is_not_lost() -> None:
    side = Side()
    side.send(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n")
    side.send(b"%x\r\n" % BODY_BYTES_MAX + b"x" * BODY_BYTES_MAX + b"\r\n")
    assert not side.statuses
    side.send(b"1\r\nx\r\n")
    assert side.statuses == [413]
    assert side.transport.is_half_closed
    assert not side.transport.is_closed, "it is still sending"
    side.send(b"9\r\n", b"anything")
    assert not side.peer.eof_received(), "now it has all"


def test_a_large_body_that_waited_is_refused_when_it_is_its_turn() -> None:
    side = Side()
    side.send(get("/a") + post(b"x" * (BODY_BYTES_MAX + 1)))
    side.answer(0)
    assert side.statuses == [200, 413]


def test_who_waits_to_be_asked_for_the_body_is_asked() -> None:
    side = Side()
    asking = post(b"abc", "expect: 100-continue")
    side.send(asking[:-3])
    assert side.transport.sent == b"HTTP/1.1 100 Continue\r\n\r\n"
    side.send(b"abc")
    side.answer(0)
    assert side.statuses == [100, 200]
    side.send(get("/a") + asking[:-3])
    assert side.statuses == [100, 200], "not in the answer of another one"
    side.answer(1)
    assert side.statuses == [100, 200, 200, 100]
    side.send(b"abc")
    assert side.desk.bodies == [b"abc", b"abc"]
    other, old = Side(), Side()
    other.send(post(b"abc", "expect: something")[:-3])
    old.send(asking[:-3].replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert (other.transport.sent, old.transport.sent) == (b"", b"")


@pytest.mark.parametrize("ends", ["by its sender", "broken off"])
def test_a_body_that_ends_early_is_told_to_the_desk(ends: str) -> None:
    side = Side()
    side.send(post(b"abc")[:-1])
    if ends == "by its sender":
        assert not side.peer.eof_received()
        assert side.statuses == [413]
    else:
        side.peer.connection_lost(None)
        assert side.transport.sent == b""
    assert (side.desk.refusals, side.desk.bodies) == ([INCOMPLETE], [])


def test_who_closes_their_side_is_answered_all_the_same() -> None:
    side = Side()
    side.send(post(b"abc", path="/a") + get("/b"))
    assert side.peer.eof_received()
    side.answer(0)
    assert b"connection: close" not in side.transport.sent
    side.answer(1)
    assert side.statuses == [200, 200]
    assert side.transport.is_closed
    assert not Side().peer.eof_received(), "nobody waits for anything"


def test_bytes_that_are_no_request_are_refused_behind_the_others() -> None:
    side = Side()
    side.send(get("/a") + b"nonsense\r\n\r\n")
    assert not side.statuses
    side.answer(0)
    assert (side.statuses, side.desk.refusals) == ([200, 400], [NO_HTTP])
    assert side.transport.is_half_closed
    side.send(b"more")
    assert side.statuses == [200, 400]


@pytest.mark.parametrize("waits", [False, True])
def test_a_body_that_is_broken_is_refused_as_what_it_is(waits: bool) -> None:
    side = Side()
    before = get("/a") if waits else b""
    side.send(before + b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
    if waits:
        side.answer(0)
    assert side.desk.refusals == [NO_HTTP]
    assert side.transport.is_half_closed


def test_a_connection_that_is_gone_takes_no_answer() -> None:
    side = Side()
    side.send(get("/a") + get("/b"))
    side.peer.connection_lost(ConnectionResetError())
    side.answer(0)
    assert (side.transport.sent, side.paths, side.place.left) == (b"", ["/a"], [side.peer])


def test_who_does_not_read_is_answered_no_further() -> None:
    side = Side()
    side.peer.pause_writing()
    side.send(get("/a") + get("/b"))
    assert side.paths == []
    side.peer.resume_writing()
    assert side.paths == ["/a"]
    side.peer.pause_writing()
    side.answer(0)
    side.peer.sweep(side.place.now + side.place.head_timeout_s + EARLY)
    assert (side.paths, side.transport.is_aborted) == (["/a"], True)


def test_nobody_takes_a_place_for_longer_than_allowed() -> None:
    def swept(side: Side, limit_s: float) -> None:
        side.peer.sweep(side.place.now + limit_s)
        assert not side.transport.is_closed
        assert not side.transport.is_half_closed
        side.peer.sweep(side.place.now + limit_s + EARLY)

    silent, begun, slow, lingering = Side(), Side(), Side(), Side()
    head_s, body_s = silent.place.head_timeout_s, silent.place.body_timeout_s
    swept(silent, head_s)
    assert silent.transport.is_closed
    begun.send(b"GET / HTTP/1.1\r\nhos")
    swept(begun, head_s)
    assert begun.transport.is_closed
    slow.send(post(b"abc")[:-1])
    swept(slow, body_s)
    assert (slow.desk.refusals, slow.statuses) == ([TOO_SLOW], [413])
    lingering.send(b"nonsense\r\n\r\n")
    lingering.peer.sweep(lingering.place.now + LINGER_S)
    assert not lingering.transport.is_aborted
    lingering.peer.sweep(lingering.place.now + LINGER_S + EARLY)
    assert lingering.transport.is_aborted


def test_a_last_answer_may_be_read_slowly() -> None:
    side = Side()
    side.send(get("/a", "connection: close"))
    side.transport.unsent = 1
    side.answer(0)
    side.peer.sweep(side.place.now + side.place.head_timeout_s)
    assert not side.transport.is_aborted
    side.peer.sweep(side.place.now + side.place.head_timeout_s + EARLY)
    assert side.transport.is_aborted


def test_an_answer_may_take_as_long_as_it_takes() -> None:
    side = Side()
    side.send(post(b"abc"))
    side.peer.sweep(side.place.now + 10_000)
    side.answer(0)
    assert side.statuses == [200]


def test_a_last_answer_is_not_lost_though_other_requests_came_behind_its_own() -> None:
    side = Side()
    side.send(get("/a") + get("/b"))
    side.peer.stop()
    side.answer(0)
    assert (side.statuses, side.paths) == ([200], ["/a"])
    assert side.transport.is_half_closed
    assert not side.transport.is_closed
    assert not side.transport.is_paused, "so that its sender is seen to go"


def test_who_has_begun_to_read_has_the_usual_time_again() -> None:
    side = Side()
    side.peer.pause_writing()
    side.place.now += 20
    side.peer.resume_writing()
    side.peer.sweep(side.place.now + side.place.head_timeout_s - 1)
    assert not side.transport.is_closed


def test_a_stop_ends_what_is_idle_and_lets_the_others_finish() -> None:
    idle, begun, busy = Side(), Side(), Side()
    begun.send(get("/a")[:-2])
    busy.send(post(b"abc")[:-1])
    for side in (idle, begun, busy):
        side.peer.stop()
    assert [side.transport.is_closed for side in (idle, begun, busy)] == [True, False, False]
    begun.send(b"\r\n")
    begun.answer(0)
    busy.send(b"c")
    busy.answer(0)
    for side in (begun, busy):
        assert (side.statuses, side.transport.is_closed) == ([200], True)
        assert b"connection: close" in side.transport.sent


@pytest.mark.parametrize(
    "first",
    [post(b"x" * (BODY_BYTES_MAX + 1)), b"CONNECT c:80 HTTP/1.1\r\nhost: c\r\n\r\n"],
    ids=["too large", "connect"],
)
def test_behind_the_last_answer_nothing_begins_that_came_in_the_same_piece(first: bytes) -> None:
    side = Side()
    side.send(first + post(b"more") + get("/now"))
    if not side.statuses:
        side.answer(0)
    assert len(side.desk.begun) == len(side.statuses) == 1
    assert side.desk.bodies == []
