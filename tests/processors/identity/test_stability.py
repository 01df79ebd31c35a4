"""What later events, blocked ids and full re-sends can never change."""

from hypothesis import given
from hypothesis import strategies as st

from tests.processors.driver import Pipeline, id_of, ms
from tests.processors.histories import DEVICES, MOMENTS, PATIENT, shuffled, visits
from tests.processors.oracle import Node, Oracle


def owner(pipeline: Pipeline, device: Node, time: int) -> int:
    """Whom the device points to at that moment."""
    pointer = pipeline.pointers.get(id_of(device))
    if pointer is None:
        return id_of(device)
    for segment in pointer["segments"]:
        if ms(segment["valid_from"]) <= time < ms(segment["valid_to"]):
            return int(segment["owner"])
    return int(pointer["owner"])


def is_settled(known: Oracle, device: Node, time: int) -> bool:
    """Not before the first assertion, and not in a gap after a logout."""
    past = [entry for entry in known.timeline(device) if entry[0] <= time and entry[2] in ("A", "out")]
    return any(kind == "A" for *_, kind in past) and past[-1][1] is not None


@PATIENT
@given(visits(), st.integers(0, 1000), st.sampled_from(MOMENTS))
def test_who_had_a_device_at_a_settled_moment_is_changed_by_no_later_event(history, seed, now):
    so_far = [visit for visit in history if visit.time <= now]
    pipeline, known = Pipeline(seed=seed).visit(shuffled(so_far, seed)), Oracle(so_far)
    moments = [
        (("a", device), time)
        for device in DEVICES
        for time in MOMENTS
        if time <= now and is_settled(known, ("a", device), time)
    ]
    before = [owner(pipeline, *moment) for moment in moments]
    pipeline.visit(shuffled([visit for visit in history if visit.time > now], seed))
    assert [owner(pipeline, *moment) for moment in moments] == before
