"""What a refresh has to do next, from what is known alone."""

import pytest

from console.refreshing import refresh_plan as plan
from console.refreshing.refresh_plan import Again, Attempt, Base, Defined, Fresh, Standing, Tell
from schemas.segments.segment_tree import key_of
from schemas.segments.segments import Condition, Segment
from tests.console.refresh_stage import LATELY, NEVER, TWICE, defined, segment

CLAIMED = Attempt(7, 2, 1_000, {0: 5})
HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("claimed", "done", "is_sealed", "expected"),
    [
        (None, 0, False, Fresh(1)),
        (CLAIMED, 7, False, Fresh(8)),
        (CLAIMED, 7, True, Fresh(8)),
        (CLAIMED, 6, True, Tell(CLAIMED)),
        (CLAIMED, 6, False, Again(Attempt(7, 3, 1_000, {0: 5}))),
    ],
)
def test_what_was_begun_is_finished_first(
    claimed: Attempt | None, done: int, is_sealed: bool, expected: object
) -> None:
    assert plan.next_step(claimed, done, is_sealed) == expected


def good(each: Defined, **more: object) -> Standing:
    return Standing(each.version, 10, "", 1_000, **more)  # type: ignore[arg-type]


def test_only_what_says_something_new_is_asked_of_everybody() -> None:
    now = defined(LATELY, NEVER, TWICE)
    lately, never = now["main", "lately"], now["main", "never"]
    base = Base(
        run=1, standings={("main", "lately"): good(lately), ("main", "never"): Standing("older", 1, "", 9)}
    )
    full, some = plan.parts(now, base, is_full=False)
    assert (full.names, full.whys, full.is_full) == (("never", "twice"), ("definition", "initial"), True)
    assert (some.names, some.whys, some.is_full) == (("lately",), ("",), False)
    assert full.versions == (never.version, now["main", "twice"].version)
    [everybody] = plan.parts(now, base, is_full=True)
    assert (everybody.names, everybody.whys) == (
        ("lately", "never", "twice"),
        ("", "definition", "initial"),
    )


def test_a_segment_that_failed_is_asked_of_everybody_and_has_no_reason_of_its_own() -> None:
    now = defined(LATELY)
    broken = plan.failed(good(now["main", "lately"]), "no memory")
    assert (broken.members, broken.error, broken.good_ms) == (10, "no memory", 1_000)
    [part] = plan.parts(now, Base(run=1, standings={("main", "lately"): broken}), is_full=False)
    assert (part.is_full, part.whys) == (True, ("",))
    mended = plan.standing(broken, part, 0, (3, 1, 4), 2_000)
    assert (mended.members, mended.drift, mended.good_ms) == (12, 0, 2_000)


def test_what_nothing_explains_is_drift_where_everybody_was_looked_at() -> None:
    now = defined(LATELY)
    base = Base(run=1, standings={("main", "lately"): good(now["main", "lately"])})
    for is_full, drift in ((True, 4), (False, 0)):
        [part] = plan.parts(now, base, is_full=is_full)
        assert plan.standing(base.standings["main", "lately"], part, 0, (4, 0, 4), 2_000).drift == drift


def test_a_list_that_was_loaded_anew_touches_those_who_ask_for_it_and_rates_touch_all() -> None:
    listed = segment("listed", {"any": [{"in_list": "vip"}, {"did": {"event": "Sale"}}]})
    now = defined(listed, LATELY)
    before = {"list/main/vip": 1, "list/main/staff": 1, "rates": 9}
    assert plan.outdated(now, before, before) == set()
    assert plan.outdated(now, before, before | {"list/main/staff": 2}) == set()
    assert plan.outdated(now, before, before | {"list/main/vip": 2}) == {("main", "listed")}
    assert plan.outdated(now, before, {"rates": 9}) == {("main", "listed")}
    assert plan.outdated(now, before, before | {"rates": 8}) == set(now)
    [part, _] = plan.parts(
        now,
        Base(run=1, standings={key: good(each) for key, each in now.items()}),
        is_full=False,
        stale={("main", "listed")},
    )
    assert (part.names, part.whys) == (("listed",), ("data",))


def test_segments_of_two_workspaces_are_asked_apart() -> None:
    found = defined(LATELY, segment("lately", {"did": {"event": "Sale"}}, workspace="second"))
    assert [part.workspace for part in plan.parts(found, Base(), is_full=False)] == ["main", "second"]


def test_what_is_defined_no_more_is_left_by_definition() -> None:
    now = defined(LATELY, TWICE)
    base = Base(run=1, standings={key: good(each) for key, each in now.items()})
    [part] = plan.gone(defined(TWICE), base)
    assert (part.names, part.whys, part.wanted) == (("lately",), ("definition",), ())
    assert plan.gone(now, base) == []


def test_a_definition_that_nobody_can_read_says_why() -> None:
    broken = {key_of("main", "lost"): Segment(segment="lost", where=using("nobody"))}
    [found] = plan.defined_by(broken, "UTC").values()
    assert found.found is None
    assert "nobody" in found.error


def using(name: str) -> Condition:
    return segment("x", {"in_segment": name}).where


def test_edited_new_and_deleted_definitions_are_written_down_once() -> None:
    now = defined(LATELY, TWICE)
    texts = {("main", "lately"): "L", ("main", "twice"): "T"}
    versions = {key: each.version for key, each in now.items()}
    known = {("main", "lately"): (versions["main", "lately"], "l"), ("main", "old"): ("v", "o")}
    assert plan.edited(now, texts, known) == [
        (("main", "lately"), versions["main", "lately"], "L", False),
        (("main", "twice"), versions["main", "twice"], "T", False),
        (("main", "old"), "v", "o", True),
    ]
    assert plan.edited(now, texts, {key: (versions[key], texts[key]) for key in now}) == []


@pytest.mark.parametrize(
    ("last_h", "now_h", "hour", "expected"),
    [
        (27, 30, 3, False),  # the last one was at three today
        (26.9, 30, 3, True),
        (3, 26, 3, False),
        (3, 27, 3, True),
        (3, 27, -1, False),
        (23.5, 24, 0, True),
    ],
)
def test_everybody_is_looked_at_once_a_night(last_h: float, now_h: float, hour: int, expected: bool) -> None:
    base = Base(run=1, full_ms=int(last_h * HOUR_MS))
    assert plan.wants_everybody(base, int(now_h * HOUR_MS), hour) is expected


def test_the_first_refresh_looks_at_everybody() -> None:
    assert plan.wants_everybody(Base(), 0, -1)


def test_lists_that_segments_name_and_that_are_not_there_are_told() -> None:
    both = {"any": [{"in_list": "vip"}, {"in_list": "staff"}]}
    now = defined(LATELY, segment("listed", both))
    assert plan.not_loaded(now, {"list/main/vip": 7, "rates": 1}) == ["list/main/staff"]
    assert plan.not_loaded(now, {"list/main/vip": 7, "list/main/staff": 9}) == []
