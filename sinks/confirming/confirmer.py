"""What becomes of a batch of candidates: ClickHouse is asked once about all of them, after it knows what was sent before.

A few questions for thousands of people, none for one alone. A schedule of a segment is one firing for each member, by pages.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec
from clickhouse_connect.driver.client import Client

from runtime.environment.settings import ClickHouseSettings
from schemas.control import ControlState
from sinks.confirming.confirm_page import Manner, Page, Passed, Told, is_capped
from sinks.confirming.confirm_questions import Questions
from sinks.confirming.confirm_waits import Waits
from sinks.confirming.confirmation import Asked, Known, refused_unasked
from sinks.storing.clickhouse import connect

__all__ = ["Confirmer", "Manner", "Passed"]


class Confirmer:
    def __init__(self, clickhouse: ClickHouseSettings, waits: Waits, manner: Manner) -> None:
        self._clickhouse = clickhouse
        self._waits = waits
        self._manner = manner

    def pages(self, batch: Sequence[Asked], state: ControlState, now_ms: int) -> Iterator[list[Passed]]:
        """Raises NotAcknowledged, KafkaUnavailable, and what ClickHouse's client raises."""
        told = Told(state, now_ms)
        whys = [(each, refused_unasked(each, state, now_ms)) for each in batch]
        yield [told.passed(each, Known(), why) for each, why in whys if why]
        left = [each for each, why in whys if not why]
        yield [told.passed(each, Known(), "") for each in left if not each.node and not _segment_of(each)]
        some = [each for each in left if each.node or _segment_of(each)]
        if not some:
            return
        self._waits.until_known(with_contacts=any(told.lists(each) for each in some))
        if capped := [each for each in some if is_capped(each)]:
            self._waits.until_fired(with_quotas=any(each.rule.limits.quota for each in capped))
        client = connect(self._clickhouse, has_long_values=True)
        try:
            self._waits.reload(client, self._clickhouse.database)
            yield from self._asked(client, some, told)
        finally:
            client.close()

    def _asked(self, client: Client, some: Sequence[Asked], told: Told) -> Iterator[list[Passed]]:
        by_workspace: dict[str, list[Asked]] = defaultdict(list)
        for each in some:
            by_workspace[each.candidate.workspace].append(each)
        for workspace, theirs in by_workspace.items():
            questions = Questions(client, self._clickhouse.database, workspace)
            page = Page(questions, client, self._manner, told)
            yield page.confirmed([each for each in theirs if each.node])
            for each in theirs:
                if not each.node:
                    for members in _members(questions, _segment_of(each), self._manner.members_max):
                        yield page.confirmed(
                            [msgspec.structs.replace(each, member=profile) for profile in members]
                        )


def _segment_of(each: Asked) -> str:
    """Of a schedule that has come up, for whose members it is."""
    schedule = each.rule.trigger.schedule
    is_first = not each.candidate.recheck and not each.node
    return (schedule.segment or "") if schedule is not None and is_first else ""


def _members(questions: Questions, segment: str, count: int) -> Iterator[list[int]]:
    after = 0
    while members := questions.members(segment, after, count):
        yield members
        after = members[-1]
