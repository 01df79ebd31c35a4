"""Quotas are counted here: once for all collectors, by one question to the ledger every few seconds. A stage of the sinks.

The ledger has each stored event once, whatever crashed on its way, so these counts need no state of their own. What is written
is not a count but a stop, when one begins or ends: a few documents a month. Several processes may count side by side: they
come to the same, and the later one writes nothing. Absent: what a stop says (schemas/sources/quotas.py), and who keeps to it
(collector/quota.py).
"""

import threading
from collections.abc import Mapping, Sequence

import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from runtime.clickhouse import connect
from runtime.control import ControlReader, write_control
from runtime.environment.settings import ClickHouseSettings, KafkaSettings, SinkSettings, load
from runtime.kafka import KafkaUnavailable
from schemas.control import ControlState
from schemas.sources.quotas import Calendar, Usage, calendar, changed_stops, limits_of
from schemas.sources.sources import Source
from sinks.stages.own_thread import OwnThread

log = structlog.get_logger()

NAME = "quotas"

_NOW = "SELECT toUnixTimestamp64Milli(now64(3))"
_USED = """\
SELECT
    source,
    toUInt64(sumIf(events, minute >= fromUnixTimestamp64Milli({day:Int64}, 'UTC'))),
    toUInt64(sum(events))
FROM ledger
WHERE workspace IN {workspaces:Array(String)} AND source IN {sources:Array(String)}
  AND stage = 'resolve' AND outcome IN ('resolved', 'withheld')
  AND minute >= fromUnixTimestamp64Milli({month:Int64}, 'UTC')
GROUP BY source"""


def now_of(client: Client) -> int:
    """ClickHouse's clock, in ms: one clock for all who count."""
    return int(client.query(_NOW).result_rows[0][0])


def limited_in(state: ControlState) -> list[Source]:
    """Those that have a quota; a webhook is one of them."""
    every = [*state.sources, *(webhook.source for webhook in state.webhooks.values())]
    return [source for source in every if limits_of(source)]


def used_by(client: Client, sources: Sequence[Source], when: Calendar) -> dict[str, Usage]:
    """By source id; who has stored nothing is absent."""
    parameters = {
        "workspaces": sorted({source.workspace for source in sources}),
        "sources": sorted(source.id for source in sources),
        "day": when.day[0],
        "month": when.month[0],
    }
    rows = client.query(_USED, parameters=parameters).result_rows
    return {source: Usage(int(day), int(month)) for source, day, month in rows}


class QuotasThread(OwnThread):
    def __init__(self, environ: Mapping[str, str], stop: threading.Event) -> None:
        super().__init__(NAME, stop)
        self._kafka = load(KafkaSettings, environ)
        self._clickhouse = load(ClickHouseSettings, environ)
        self._period_s = load(SinkSettings, environ).quota_period_s
        self._control = ControlReader(self._kafka)
        self._client: Client | None = None

    @property
    def is_assigned(self) -> bool:
        return self._control.is_current

    def _work(self) -> None:
        self._control.start()
        try:
            while not self._stop_event.wait(self._period_s) and not self._control.problem:
                if self._control.is_current:
                    self._look(self._control.state)
        finally:
            self.has_failed = bool(self._control.problem)
            self._control.stop()

    def _look(self, state: ControlState) -> None:
        limited = limited_in(state)
        if not limited and not state.quota_stops:
            return
        try:
            self._write(state, limited)
        except KafkaUnavailable as error:  # or another process writes the same at this moment
            log.warning("quotas wait", error=str(error))
        except (ClickHouseError, HTTPError, OSError) as error:
            self._client = None
            log.warning("quotas wait", error=type(error).__name__)

    def _write(self, state: ControlState, limited: Sequence[Source]) -> None:
        client = self._client = self._client or connect(self._clickhouse)
        when = calendar(now_of(client))
        changed = changed_stops(limited, used_by(client, limited, when), when, state.quota_stops)
        if changed:
            write_control(self._kafka, changed, NAME, writer=NAME)
            _tell(changed)


def _tell(changed: Mapping[str, bytes | None]) -> None:
    for key, document in changed.items():
        log.info("quota used up" if document else "quota free again", source=key.partition("/")[2])
