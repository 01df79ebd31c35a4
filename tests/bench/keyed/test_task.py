"""The benchmark's own judge: the same events in every kind of message, and our step's answers are what the oracle expects."""

import msgspec
import pytest

from schemas.stream import InputRecord
from tests.bench.keyed import task
from tests.bench.keyed.ours import count_in
from tests.bench.keyed.task import ARRAY, PACK, SINGLE

EVENTS = 1_000
SIZES = {PACK: 100, ARRAY: 7, SINGLE: 1}


def answers(shape: str) -> list[bytes]:
    step = count_in(shape)
    states: dict[int, dict[bytes, bytes]] = {partition: {} for partition in range(task.PARTITIONS)}
    found = []
    for offset, message in enumerate(task.messages(task.made(0, EVENTS), shape, SIZES[shape])):
        record = InputRecord(offset, 0, message.key, message.value)
        found += step(message.partition, [record], states[message.partition])
    return [output.value for output in found]


@pytest.mark.parametrize("shape", SIZES)
def test_our_step_answers_what_the_oracle_expects(shape):
    wanted: task.Totals = {}
    task.expected(task.made(0, EVENTS), wanted)
    found: task.Totals = {}
    task.last_answers(answers(shape), found)
    assert found == wanted


@pytest.mark.parametrize("shape", SIZES)
def test_every_event_is_answered_once_whatever_message_carries_it(shape):
    asked = sorted(
        msgspec.json.decode(event.json, type=task.Event).message_id for event in task.made(0, EVENTS)
    )
    told = sorted(msgspec.json.decode(value, type=task.Answer).message_id for value in answers(shape))
    assert told == asked


def test_answers_in_any_order_give_the_last_one_of_each_user():
    in_order, backwards = answers(SINGLE), answers(SINGLE)[::-1]
    forward: task.Totals = {}
    task.last_answers(in_order, forward)
    backward: task.Totals = {}
    task.last_answers(backwards, backward)
    assert forward == backward


def test_a_lost_event_is_noticed():
    wanted: task.Totals = {}
    task.expected(task.made(0, EVENTS), wanted)
    found: task.Totals = {}
    task.last_answers(answers(SINGLE)[:-1], found)
    assert found != wanted
