"""The answer of `stitchline why` as data: what `--json` prints, and what why_text.py words. Ids in the forms that people type."""

import msgspec

from processors.events.times import EPOCH, MILLISECOND, TIME_MAX
from processors.identity.explain import Place, Route
from processors.identity.facts import ASSERTED, CLAIMED, DERIVED, MERGED
from processors.identity.reasons import Reason
from processors.identity.steps import Step
from processors.identity.stored import StoredEvent, is_hash_alone
from schemas.identity.identifiers import EMAIL, hash_email

CLASSES = {MERGED: "M", ASSERTED: "A", CLAIMED: "B", DERIVED: "C"}
RULES = {
    MERGED: "merged: an alias says that both are one person",
    ASSERTED: "asserted: one call carried both",
    CLAIMED: "claimed: the address of a page carried it",
    DERIVED: "derived",
}


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """The event that stated a step."""

    message_id: str
    source: str
    type: str
    event: str
    time: str


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """`since` and `until` are null where there is no bound. A derived step has no event and follows from two others."""

    low: str
    high: str
    strength: str
    rule: str
    time: str
    event: EventView | None
    follows: list["StepView"]
    since: str | None
    until: str | None


class RouteView(msgspec.Struct, frozen=True, kw_only=True):
    """Two ids meet at a third, or at one of themselves: `from_a` and `from_b` are the steps up to it."""

    meeting: str
    since: str | None
    until: str | None
    from_a: list[StepView]
    from_b: list[StepView]


class ReasonView(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    node: str
    target: str
    at: str | None
    lost: StepView | None
    won: StepView | None


class PlaceView(msgspec.Struct, frozen=True, kw_only=True):
    root: str
    profile_id: str
    since: str | None
    until: str | None
    steps: list[StepView]


class DifferenceView(msgspec.Struct, frozen=True, kw_only=True):
    """Of one id: whom it belongs to by the events that were read, and by table identity_pointers. (since, owner) each."""

    node: str
    by_events: list[tuple[str, str]]
    by_table: list[tuple[str, str]]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`b` is null when one id was asked about: then there are `places`. `one_person` is what the table says, the present truth;
    `agrees` says whether the events that were read say the same."""

    workspace: str
    a: str
    b: str | None
    one_person: str | None
    agrees: bool
    differences: list[DifferenceView]
    routes: list[RouteView]
    reasons: list[ReasonView]
    places: list[PlaceView]
    crowded: list[str]
    is_complete: bool
    orders_read: bool


class Names:
    """Node keys and ids as people write them."""

    def __init__(self, workspace: str, events: list[StoredEvent], keys: dict[int, bytes]) -> None:
        self._prefix = f"{workspace}|".encode()
        self._keys = keys
        self._addresses = {
            hash_email(each.value): each.value
            for event in events
            for each in event.identifiers
            if each.kind == EMAIL and each.value
        }

    def learn(self, address: str) -> None:
        """An address that somebody typed."""
        self._addresses[hash_email(address)] = address

    def of(self, key: bytes) -> str:
        kind, _, value = key.removeprefix(self._prefix).decode(errors="replace").partition(":")
        if kind != EMAIL:
            return f"{kind}:{value}"
        if is_hash_alone(key):
            return f"e:(known by its hash alone, {value})"
        return f"e:{self._addresses.get(value, value)}"

    def of_node(self, node: int) -> str:
        key = self._keys.get(node)
        return self.of(key) if key else f"{node:016x}"

    def step(self, step: Step) -> StepView:
        rule = RULES[step.strength]
        if step.event is None:
            rule = f"derived: {self.of(step.follows[0].low)} is linked to both"
        return StepView(
            low=self.of(step.low),
            high=self.of(step.high),
            strength=CLASSES[step.strength],
            rule=rule,
            time=moment(step.time),
            event=_event(step.event),
            follows=[self.step(each) for each in step.follows],
            since=bound(step.since),
            until=bound(step.until),
        )

    def steps(self, steps: list[Step]) -> list[StepView]:
        return [self.step(step) for step in steps]

    def route(self, route: Route) -> RouteView:
        return RouteView(
            meeting=self.of(route.meeting),
            since=bound(route.since),
            until=bound(route.until),
            from_a=self.steps(route.from_a),
            from_b=self.steps(route.from_b),
        )

    def reason(self, reason: Reason) -> ReasonView:
        return ReasonView(
            kind=reason.kind,
            node=self.of(reason.node),
            target=self.of(reason.target),
            at=None if reason.at is None else moment(reason.at),
            lost=self.step(reason.lost) if reason.lost else None,
            won=self.step(reason.won) if reason.won else None,
        )

    def place(self, place: Place, profile: str) -> PlaceView:
        return PlaceView(
            root=self.of(place.root),
            profile_id=profile,
            since=bound(place.since),
            until=bound(place.until),
            steps=self.steps(place.steps),
        )


def moment(milliseconds: int) -> str:
    """ISO 8601 in UTC."""
    return (EPOCH + milliseconds * MILLISECOND).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def bound(milliseconds: int) -> str | None:
    return None if milliseconds in (0, TIME_MAX) else moment(milliseconds)


def _event(event: StoredEvent | None) -> EventView | None:
    if event is None:
        return None
    return EventView(
        message_id=event.message_id,
        source=event.source,
        type=event.type,
        event=event.event,
        time=moment(event.time),
    )
