"""The answer of `stitchline why` in words, for people at a terminal. Everything that it says is in why_view.Answer."""

from collections.abc import Iterator

import msgspec

from deploy.explaining.why_view import Answer, PlaceView, ReasonView, RouteView, StepView
from deploy.visible import visible
from processors.identity.explain import ALWAYS, AT_TIMES
from processors.identity.reasons import (
    BEATEN,
    BEYOND_CAP,
    CLAIM_IGNORED,
    FORGOTTEN,
    LOGOUT,
    SECOND_ID,
    SUPPRESSED,
    UNCONNECTED,
    UNLINKED,
)

WHY_NOT = {
    UNCONNECTED: "no event connects {node} and {target}",
    BEATEN: "{node} is not {target}'s: of the ids of one kind that it was linked to, the best link wins, and this one lost",
    CLAIM_IGNORED: "on {node} a page's address claimed {target}; calls have identified the device, so such claims do not count",
    SECOND_ID: "{node} was used by more than one person: at {at} another id of the same kind came",
    LOGOUT: "{node} was used by more than one person: a logout at {at} divides them",
    SUPPRESSED: "an order (stitchline suppress) says that {node} or {target} is no identifier any more",
    UNLINKED: "an order (stitchline unlink) parts {node} and {target} for ever",
    FORGOTTEN: "an order (stitchline forget) took the links of {node} to {target} out",
    BEYOND_CAP: "{node} is linked to more ids than are kept, and its link to {target} is not among the best",
}


def text(answer: Answer) -> str:
    return "\n".join(visible(line) for line in _lines(answer))


def _lines(answer: Answer) -> Iterator[str]:
    yield _verdict(answer)
    if not answer.agrees:
        yield from _differences(answer)
        return
    for place in answer.places:
        yield from _place(answer.a, place)
    for route in answer.routes:
        yield from _route(answer, route)
    for reason in answer.reasons:
        yield from _reason(reason)
    if answer.crowded:
        yield f"(of {', '.join(answer.crowded)} not every link was read: they have very many)"


def _verdict(answer: Answer) -> str:
    if answer.b is None:
        roots = list(dict.fromkeys(f"{place.root}, profile {place.profile_id}" for place in answer.places))
        return f"{answer.a} belongs to {'; '.join(roots)}" if roots else f"{answer.a}:"
    pair = f"{answer.a} and {answer.b}"
    if answer.one_person == ALWAYS:
        return f"{pair} are one person"
    if answer.one_person == AT_TIMES:
        return f"{pair} are one person at some times"
    return f"{pair} are not one person"


def _place(node: str, place: PlaceView) -> Iterator[str]:
    if times := _times(place.since, place.until):
        yield f"{times}: {place.root}"
    if not place.steps and not times:
        yield f"  no link to an id with more authority: {node} is its profile's own root"
    for step in place.steps:
        yield from _step(msgspec.structs.replace(step, since=None, until=None), "  ")


def _route(answer: Answer, route: RouteView) -> Iterator[str]:
    if route.meeting not in (answer.a, answer.b):
        yield f"  both are {route.meeting}'s"
    for step in (*route.from_a, *route.from_b):
        yield from _step(step, "  ")


def _reason(reason: ReasonView) -> Iterator[str]:
    yield "  " + WHY_NOT[reason.kind].format(node=reason.node, target=reason.target, at=reason.at)
    titles = ("before", "after") if reason.kind in (SECOND_ID, LOGOUT) else ("lost", "won")
    for title, step in zip(titles, (reason.lost, reason.won), strict=True):
        if step is not None:
            yield f"    {title}:"
            yield from _step(step, "      ")


def _step(step: StepView, indent: str) -> Iterator[str]:
    times = _times(step.since, step.until)
    yield f"{indent}{step.low} -> {step.high}   {step.rule} (class {step.strength}){', ' + times if times else ''}"
    if step.event is not None:
        what = f"{step.event.type} {step.event.event!r}" if step.event.event else step.event.type
        yield f"{indent}    {step.event.time}  {what}, message {step.event.message_id} of source {step.event.source}"
    for follow in step.follows:
        yield from _step(follow, indent + "    ")


def _times(since: str | None, until: str | None) -> str:
    """ "" when there is no bound."""
    if since is None:
        return f"until {until}" if until else ""
    return f"from {since} until {until}" if until else f"from {since} on"


def _differences(answer: Answer) -> Iterator[str]:
    yield "  That is what table identity_pointers says. The events that were read do not explain it:"
    for each in answer.differences:
        by_table, by_events = (_owned(owners) for owners in (each.by_table, each.by_events))
        yield f"    {each.node} belongs to {by_table} by the table, to {by_events} by the events"
    yield "  The pipeline may still be at work (ask again), or older events are gone"
    if not answer.is_complete or answer.crowded:
        yield "  Not everything around them was read: see WHY_IDENTIFIERS_MAX, WHY_LINKS_PER_IDENTIFIER_MAX, WHY_ROUNDS_MAX"
    if not answer.orders_read:
        yield "  Orders (unlink, forget) could not be read: is Kafka reachable (KAFKA_BOOTSTRAP_SERVERS)?"


def _owned(owners: list[tuple[str, str]]) -> str:
    return " then ".join(owner if len(owners) == 1 else f"{owner} (from {since})" for since, owner in owners)
