"""Why two identifiers are one person, at which times, or never: an answer as data, for the command line to word.

Deliberately absent: any judgement on whether the events at hand are all that matter. Whoever asks compares the result with
the pointers that the pipeline wrote (deploy/explaining/why.py).
"""

from collections.abc import Iterator

import msgspec

from processors.events.times import TIME_MAX
from processors.identity.reasons import Reason, reasons
from processors.identity.settled import Settled, Tenure
from processors.identity.steps import Step, steps_up

ALWAYS, AT_TIMES, NEVER = "always", "at_times", "never"


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """How both come to `meeting`, from `since` (ms, inclusive) until `until` (exclusive): bounds of a contested device. Where
    both are, each has its own, in its first step."""

    meeting: bytes
    from_a: list[Step]
    from_b: list[Step]
    since: int = 0
    until: int = TIME_MAX

    def steps(self) -> Iterator[Step]:
        for step in (*self.from_a, *self.from_b):
            yield from step.all()


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """`routes` when the two are one person at some time, `reasons` when they never are."""

    one_person: str
    routes: list[Route]
    reasons: list[Reason]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where one identifier belongs: to `root`, from `since` until `until`, by these steps."""

    root: bytes
    steps: list[Step]
    since: int
    until: int


def explain(settled: Settled, a: bytes, b: bytes) -> Explanation:
    """Two identifiers."""
    pairs = [(here, there) for here in settled.tenures(a) for there in settled.tenures(b)]
    routes = [route for pair in pairs if (route := _route(settled, a, b, pair))]
    if not routes:
        return Explanation(one_person=NEVER, routes=[], reasons=reasons(settled, a, b))
    return Explanation(
        one_person=ALWAYS if len(routes) == len(pairs) else AT_TIMES, routes=routes, reasons=[]
    )


def places(settled: Settled, node: bytes) -> list[Place]:
    """One identifier: one place, or one for each owner of a contested device."""
    found = []
    for tenure in settled.tenures(node):
        steps = steps_up(settled, node, tenure)
        root = steps[-1].high if steps else node
        found.append(Place(root=root, steps=steps, since=tenure.since, until=tenure.until))
    return found


def _route(settled: Settled, a: bytes, b: bytes, tenures: tuple[Tenure, Tenure]) -> Route | None:
    ways = [steps_up(settled, node, tenure) for node, tenure in zip((a, b), tenures, strict=True)]
    from_a, from_b = ([start, *(step.high for step in way)] for start, way in zip((a, b), ways, strict=True))
    meeting = next((node for node in from_a if node in from_b), None)
    if meeting is None:
        return None
    bounded = [tenure for tenure in tenures if (tenure.since, tenure.until) != (0, TIME_MAX)]
    since, until = (bounded[0].since, bounded[0].until) if len(bounded) == 1 else (0, TIME_MAX)
    return Route(
        meeting=meeting,
        from_a=ways[0][: from_a.index(meeting)],
        from_b=ways[1][: from_b.index(meeting)],
        since=since,
        until=until,
    )
