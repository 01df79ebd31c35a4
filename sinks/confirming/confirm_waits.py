"""Until ClickHouse knows what was sent before a candidate was read: events, who is whom with them, and opt-outs.

An order that was sent by then is found, under any identifier; one that comes later changes nothing. Contacts are waited for only
where a list of opt-outs is asked about.
"""

import time

from clickhouse_connect.driver.client import Client

from runtime.control import ControlReader
from runtime.environment.settings import KafkaSettings
from runtime.kafka import group_name
from runtime.lag import Key
from runtime.lookup import Lookup
from runtime.streams.progress import NotAcknowledged, Progress
from schemas.topics import (
    ACTIONS_WORK,
    CONTACTS_FACTS,
    CONTROL,
    EVENTS_RAW,
    EVENTS_RESOLVED,
    IDENTITY_FACTS,
    IDENTITY_POINTERS,
    Topic,
)
from sinks.storing.tables import DICTIONARIES, SINKS

CONTROL_POLL_S = 0.01
CLAIM_ROUNDS = 3  # the firing, its claim, the answer
PROCESSORS, RULES = "processors", "rules"  # stages whose groups commit how far their agents are


class Waits:
    def __init__(self, kafka: KafkaSettings, timeout_s: int) -> None:
        self._kafka = kafka
        self._progress = Progress(kafka, timeout_s)
        self._lookup = Lookup(kafka)
        self._loaded: dict[Key, int] = {}

    def until_told(self, control: ControlReader) -> None:
        """Until what stands on `control` now has been read: a rule that was just applied would be taken for one that is gone.
        Raises NotAcknowledged, KafkaException."""
        place = (CONTROL.full_name(self._kafka.topic_prefix), 0)
        end = self._lookup.ends([place])[place].stable
        deadline = time.monotonic() + self._kafka.answer_timeout_s
        while control.position < end:
            if control.problem or time.monotonic() > deadline:
                raise NotAcknowledged(f"the control topic is not read to its end: {control.problem}")
            time.sleep(CONTROL_POLL_S)

    def until_known(self, *, with_contacts: bool) -> None:
        """Raises NotAcknowledged, KafkaUnavailable."""
        self._past({PROCESSORS: EVENTS_RAW})
        self._past({PROCESSORS: IDENTITY_FACTS} | ({RULES: EVENTS_RESOLVED} if with_contacts else {}))
        if with_contacts:
            self._past({RULES: CONTACTS_FACTS})
        self._stored("events", "pointers", *(["contacts"] if with_contacts else []))

    def until_fired(self, *, with_quotas: bool) -> None:
        """Until what was passed on before has been let through or not, and that is stored. A firing of a rule with a quota is let
        through when a claim has gone and come back. Raises NotAcknowledged, KafkaUnavailable."""
        for _ in range(CLAIM_ROUNDS if with_quotas else 1):
            self._past({RULES: ACTIONS_WORK})
        self._stored("firings")

    def reload(self, client: Client, database: str) -> None:
        """The dictionaries, if a pointer came since they were loaded. Raises what the client raises, KafkaUnavailable."""
        ends = self._progress.ends(IDENTITY_POINTERS)
        if ends == self._loaded:
            return
        for name in DICTIONARIES:
            client.command(f"SYSTEM RELOAD DICTIONARY {database}.{name}")
        self._loaded = ends

    def _past(self, stages: dict[str, Topic]) -> None:
        self._progress.wait_stored(
            {stage: (group_name(self._kafka, stage), topic) for stage, topic in stages.items()}
        )

    def _stored(self, *names: str) -> None:
        prefix, generation = self._kafka.topic_prefix, self._kafka.generation
        sinks = [SINKS[name] for name in names]
        self._progress.wait_stored(
            {sink.name: (sink.group(prefix, generation), sink.topic) for sink in sinks}
        )
