"""What becomes of events of a source that has used up its quota: they are kept as dead letters, and the answer is as ever. Pure.

A quota counts; it does not protect (rates.py does). A browser cannot hold its events until the month ends, and a refusal would
only make it come again and again; so the events wait where they can be sent again from. Absent: the counting
(sinks/stages/quotas.py).
"""

from collector.admission import set_aside
from collector.exchange import Intake
from collector.rejection import Refusal
from schemas.control import ControlState
from schemas.events.reasons import Reason
from schemas.sources.quotas import STOP


def within_quota(intake: Intake, state: ControlState, now: int) -> Intake:
    """The same, or with its events set aside."""
    source = intake.source
    stop = state.quota_stops.get(f"{STOP}{source.id}") if source and state.quota_stops else None
    if source is None or stop is None or not intake.events or not stop.stands(source, now):
        return intake
    refusal = Refusal(
        Reason.QUOTA_EXCEEDED,
        f"source {source.id} has used up its {stop.events_max} events of this {stop.period}: raise its quota, and send them "
        "again",
    )
    letters = [*intake.letters, *set_aside(intake.events, refusal, source)]
    return intake.but(events=[], letters=letters)
