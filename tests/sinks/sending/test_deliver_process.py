"""A whole sender process between a real broker and a real receiver: every attempt gets its result, whatever dies."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.actions.requests import KafkaRequest
from tests.engines import wait_until
from tests.sinks.deliver_stage import PATIENCE_S, Deployment, due, http, topic
from tests.sinks.receiver import Receiver, hang, receiver, status

pytestmark = pytest.mark.timeout(
    300
)  # two processes start one after the other, on a machine that may be busy
NAMED = {"DELIVER_INSTANCE_ID": "one"}  # back within its session, it has its partitions at once


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
def deployment(kafka: str, topic_prefix: str, tmp_path: Path) -> Iterator[Deployment]:
    made = Deployment(kafka, topic_prefix, tmp_path)
    yield made
    made.close()


def test_an_attempt_is_made_and_its_result_goes_home(deployment: Deployment, there: Receiver) -> None:
    deployment.define(http("shop", there.url("/hook")), http("gone", there.url("/gone")))
    there.answers["/gone"] = status(410)
    with deployment.sender() as process:
        deployment.send(due("a", "shop"), due("b", "gone", home=0), due("c", "shop", not_after=1))
        assert deployment.result_of("a").outcome == "delivered"
        assert deployment.result_of("a").answer == "thanks"
        assert deployment.result_of("b").outcome == "gone"
        assert deployment.result_of("c").outcome == "failed"
        assert there.got[0].headers["user-agent"].startswith("Stitchline")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert deployment.committed() == 3


def test_an_attempt_that_is_cut_off_is_made_again_with_the_same_id_and_the_same_bytes(
    deployment: Deployment, there: Receiver
) -> None:
    deployment.define(http("slow", there.url("/slow")), http("shop", there.url("/hook")))
    there.answers["/slow"] = hang
    with deployment.sender(NAMED) as process:
        deployment.send(due("a", "slow"), *(due(f"b{number}", "shop") for number in range(20)))
        wait_until(lambda: "a" in there.ids("/slow"), PATIENCE_S, "it is on its way")
        deployment.until(lambda results: len(results) == 20, "the others have their results")
        wait_until(lambda: deployment.settled() == 20, PATIENCE_S, "all but one are written down as done")
        assert deployment.committed() == 10
        process.kill()
        process.wait()
    del there.answers["/slow"]
    before = there.ids("/hook")
    with deployment.sender(NAMED):
        assert deployment.result_of("a").outcome == "delivered"
    first, second = [got for got in there.got if got.path == "/slow"]
    assert first.body == second.body
    assert first.id == second.id == "a"
    assert there.ids("/hook") == before
    assert len(deployment.results) == 21


def test_partitions_move_between_two_senders_and_nothing_is_lost(
    deployment: Deployment, there: Receiver
) -> None:
    deployment.define(http("shop", there.url("/hook")))
    first = [due(f"a{number}", "shop") for number in range(200)]
    second = [due(f"b{number}", "shop") for number in range(200)]
    with deployment.sender() as one:
        deployment.send(*first)
        deployment.until(lambda results: len(results) >= 100, "the first one works")
        with deployment.sender():
            deployment.send(*second)
            one.send_signal(signal.SIGTERM)
            assert one.wait(PATIENCE_S) == 0
            wanted = {each.id for each in (*first, *second)}
            deployment.until(lambda results: {each.id for each in results} == wanted, "every result")
    assert set(there.ids()) == wanted


def test_a_destination_that_comes_late_is_waited_for_and_one_that_does_not_fails(
    deployment: Deployment, there: Receiver
) -> None:
    late = http("late", there.url("/late"))
    with deployment.sender():
        deployment.send(due("a", "late"))
        assert deployment.result_of("a").outcome == "postponed"
        deployment.define(late)
        attempt = 2
        deployment.send(due("a", "late", attempt=attempt))
        while (
            deployment.result_of("a", attempt).outcome == "postponed"
        ):  # control is read by a thread of its own
            attempt += 1
            deployment.send(due("a", "late", attempt=attempt))
        assert deployment.result_of("a", attempt).outcome == "delivered"
        deployment.send(due("b", "late", kind="email"))
        assert deployment.result_of("b").outcome == "failed"


def test_a_destination_that_is_dead_holds_up_nobody_else(deployment: Deployment, there: Receiver) -> None:
    deployment.define(
        http("shop", there.url("/hook")), http("dead", there.url("/dead"), concurrency_max=2, timeout_s=120)
    )
    there.answers["/dead"] = hang
    with deployment.sender({"DELIVER_QUEUE_MAX": "5"}):
        dead = [due(f"d{number}", "dead") for number in range(20)]
        deployment.send(*dead, *(due(f"s{number}", "shop") for number in range(20)))
        deployment.until(
            lambda results: sum(each.id[0] == "s" for each in results) == 20, "the good one's results"
        )
        deployment.until(
            lambda results: sum(each.outcome == "postponed" for each in results) >= 13, "no place"
        )
        wait_until(lambda: len(there.ids("/dead")) == 2, PATIENCE_S, "two are on their way")
        assert all(each.retry_after_ms > 0 for each in deployment.results if each.outcome == "postponed")


def test_a_record_goes_to_a_topic_that_exists_and_never_to_one_of_ours(deployment: Deployment) -> None:
    deployment.define(topic("ours", "events.raw"), topic("none", "none.such"), topic("own", "own.topic"))
    name = deployment.make_topic("own.topic")
    request = KafkaRequest(key="k", value={"a": 1})
    with deployment.sender():
        deployment.send(*(due(each, each, request, kind="kafka") for each in ("ours", "none", "own")))
        assert deployment.result_of("ours").outcome == "failed"
        assert deployment.result_of("none").outcome == "retry"
        assert deployment.result_of("own").outcome == "delivered"
    record = deployment.one_of(name)
    assert (record.key(), record.value()) == (b"k", b'{"a":1}')
    assert record.headers() == [("firing-id", b"own")]
