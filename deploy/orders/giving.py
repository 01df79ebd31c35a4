"""Giving orders: written down on `control` first, then sent to whom they concern, then waited for.

In this order, so that a command that was cut off has left at most too much written down: it is run again, and every order is
idempotent. What is on control stays for ever, for later generations.
"""

from collections.abc import Iterator, Mapping, Sequence

from deploy.orders.routes import records
from runtime.control import read_control, write_control
from runtime.environment.settings import KafkaSettings, OrderSettings
from runtime.kafka import TopicMismatch
from runtime.lookup import Lookup
from runtime.sending import send
from runtime.streams.progress import Progress
from schemas.control import ControlState
from schemas.identity.order_documents import Addressed, encode, key_of, orders_in
from schemas.stream import OutputRecord
from schemas.topics import (
    ACTIONS_WORK,
    COMMERCE_FACTS,
    CONTACTS_FACTS,
    EVENTS_RAW,
    IDENTITY_FACTS,
    RULES_FACTS,
    Topic,
)
from sinks.storing.tables import SINKS

DOCUMENTS_PER_WRITE_MAX = 5_000  # one transaction
# What processors tell each other because of an order, in the order of the way.
TOLD = (IDENTITY_FACTS, COMMERCE_FACTS, CONTACTS_FACTS, RULES_FACTS, ACTIONS_WORK)
WAITED_FOR = (
    "events",
    "pointers",
    "dead",
    "carts",
    "contacts",
    "firings",
    "deliveries",
)  # sinks; nobody waits for the ledger


class Giver:
    """One deployment's orders. Every method raises KafkaUnavailable; those that wait raise NotAcknowledged too."""

    def __init__(self, kafka: KafkaSettings, settings: OrderSettings) -> None:
        self._kafka = kafka
        self._progress = Progress(kafka, settings.ack_timeout_s)

    def control(self) -> ControlState:
        return read_control(self._kafka, self._kafka.answer_timeout_s)

    def write(self, documents: Mapping[str, bytes], by: str) -> None:
        """Documents on control, some thousand at once."""
        for some in _cut(documents):
            write_control(self._kafka, some, by)

    def give(
        self,
        orders: Sequence[Addressed],
        by: str,
        *,
        beside: Mapping[str, bytes] | None = None,
        unkept: Sequence[Addressed] = (),
    ) -> None:
        """All of these, and wait until they hold. `beside`: documents written with theirs. Of `unkept` no document is written:
        what follows from orders that are kept."""
        self.write({**(beside or {}), **{key_of(each.order): encode(each) for each in orders}}, by)
        self.send_and_wait(list(records([*orders, *unkept], self.partitions())))

    def resend(self) -> int:
        """Every order that control has, to the generation of now; how many they are."""
        orders = list(orders_in(self.control().documents))
        self.send_and_wait(list(records(orders, self.partitions())))
        return len(orders)

    def send_and_wait(self, sent: Sequence[OutputRecord]) -> None:
        """Until these hold everywhere, and sinks have all that was made before they did."""
        self.send_for_processors(sent)
        self._progress.wait_stored({name: self._sink(name) for name in WAITED_FOR})

    def send_for_processors(self, sent: Sequence[OutputRecord]) -> None:
        """Until processors are past these records, and past what they told each other because of them."""
        if sent:
            self._progress.wait_processed(send(self._kafka, sent))
            for topic in TOLD:
                self._progress.wait_processed(self._progress.ends(topic))

    def partitions(self) -> int:
        """Of the deployment's topics as they are, whatever the settings of this command say. Raises TopicMismatch."""
        lookup, found = Lookup(self._kafka), set()
        for topic in (EVENTS_RAW, IDENTITY_FACTS):
            found.add(lookup.partitions(topic.full_name(self._kafka.topic_prefix)))
        if len(found) > 1 or 0 in found:
            raise TopicMismatch(
                "events.raw and identity.facts are not there, or differ in partitions: "
                "is STITCHLINE_TOPIC_PREFIX the deployment's?"
            )
        return found.pop()

    def _sink(self, name: str) -> tuple[str, Topic]:
        sink = SINKS[name]
        return sink.group(self._kafka.topic_prefix, self._kafka.generation), sink.topic


def _cut(documents: Mapping[str, bytes]) -> Iterator[dict[str, bytes]]:
    items = list(documents.items())
    for start in range(0, len(items), DOCUMENTS_PER_WRITE_MAX):
        yield dict(items[start : start + DOCUMENTS_PER_WRITE_MAX])
