"""The tally of a long run lasts over its interruptions."""

from tests.chaos.tally import Injected, Round, Tally, load, save, table


def one(number: int, **fields: object) -> Round:
    known: dict[str, object] = {
        "seed": 7,
        "number": number,
        "shape": "",
        "faults": [Injected("kill sinks", 2.0 + number), Injected("kill broker", 12.0)],
        "events": 1_000,
        "attempts": 100,
        "failures": 3,
        "lost": 0,
        "doubled": 0,
    }
    return Round(**(known | fields))  # type: ignore[arg-type]


def test_a_run_that_is_taken_up_again_counts_on_and_repeats_no_round(tmp_path):
    assert load(tmp_path).next_number(7) == 0
    save(Tally([one(0), one(1)]), tmp_path)
    found = load(tmp_path)
    assert len(found.faults) == 4
    assert found.next_number(7) == 2
    assert found.next_number(8) == 0


def test_the_table_has_a_line_for_each_kind_and_the_sums():
    text = table(Tally([one(0), one(1), one(2)]))
    assert "| kill broker | 3 | 12.0 | 12.0 |" in text
    assert "| kill sinks | 3 | 3.0 | 4.0 |" in text
    assert "| **all** | **6** | 8.0 | 12.0 |" in text
    assert "3,000 events accepted" in text
    assert "lost 0, doubled 0" in text


def test_one_lost_or_doubled_event_or_contradiction_makes_a_run_wrong():
    assert Tally([one(0), one(1)]).is_right
    for fault in ({"lost": 1}, {"doubled": 1}, {"wrongs": ["stuck"]}):
        assert not Tally([one(0), one(1, **fault)]).is_right
    assert "- seed 7, round 1: stuck" in table(Tally([one(0), one(1, wrongs=["stuck"])]))
