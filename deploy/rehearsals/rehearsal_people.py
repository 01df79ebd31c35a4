"""Who the candidates of a dry run are for, and what keeps them back: asked as stage `confirm` asks, as it is now. Nothing is
waited for: what is stored is what counts.
"""

from collections.abc import Sequence

import msgspec

from deploy.rehearsals.rehearsal import Confirm, Moment
from runtime.environment.settings import ClickHouseSettings
from schemas.actions.action_work import Firing
from schemas.control import ControlState
from schemas.rules.rules import Rule
from sinks.confirming.confirm_waits import Waits
from sinks.confirming.confirmation import Asked, Known, asked, firing_of, list_changed, refused_unasked
from sinks.confirming.confirmer import Confirmer, Manner

TOGETHER_MAX = 5_000


class NoWaits(Waits):
    """Of a stage that does not run: nothing is on its way."""

    def __init__(self) -> None:
        """Without Kafka."""

    def until_known(self, *, with_contacts: bool) -> None:
        """It is known."""

    def until_fired(self, *, with_quotas: bool) -> None:
        """What fired before counts for nothing here."""

    def reload(self, client: object, database: str) -> None:
        """The dictionaries are as their sink left them."""


class People:
    """`state`: of control, with the rule in it. `now_ms`: as of which people are asked about."""

    def __init__(
        self, clickhouse: ClickHouseSettings, manner: Manner, state: ControlState, now_ms: int
    ) -> None:
        self._confirmer = Confirmer(clickhouse, NoWaits(), manner)
        self._state = state
        self._now_ms = now_ms

    def confirm(self, rule: Rule) -> Confirm:
        """Of the rule's candidates; each by the age that it had when it came up."""

        def confirmed(moments: Sequence[Moment]) -> list[Firing]:
            found: list[Firing] = []
            for start in range(0, len(moments), TOGETHER_MAX):
                found += self._some(rule, moments[start : start + TOGETHER_MAX])
            return found

        return confirmed

    def _some(self, rule: Rule, moments: Sequence[Moment]) -> list[Firing]:
        times = {candidate.occurrence: (now, candidate.at) for now, candidate in moments}
        found, left = [], []
        for now, candidate in moments:
            each = asked(candidate, rule, self._state)
            why = refused_unasked(each, self._state, now)
            if why:
                changed = list_changed(rule.action, rule.workspace, self._state)
                found.append(firing_of(each, Known(), why, changed, now))
            else:
                left.append(self._timeless(each))
        pages = self._confirmer.pages(left, self._state, self._now_ms) if left else ()
        for page in pages:
            for firing, _home in page:
                now, at = times[firing.occurrence]
                found.append(msgspec.structs.replace(firing, confirmed_at=now, at=at, elsewhere=[]))
        return found

    def _timeless(self, each: Asked) -> Asked:
        """Its age has been looked at: it is asked about as one that waited, a schedule for a segment as one of this moment."""
        if each.node:
            candidate = msgspec.structs.replace(each.candidate, recheck=each.id)
        else:
            candidate = msgspec.structs.replace(each.candidate, at=self._now_ms)
        return msgspec.structs.replace(each, candidate=candidate)
