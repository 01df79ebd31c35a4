"""What a payload would become: a webhook's mapping tried on a file, applied or not. Nothing is sent, and no secret is needed.

Works with what the collector works with, so the answer is what would be stored. Absent: whether a sender would be believed.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from collector.intake import Arrival
from collector.limits import Limits
from collector.rejection import Letter, Refusal
from collector.webhooks.webhook import sorted_out
from collector.webhooks.webhook_body import Delivery, scope_of
from collector.webhooks.webhook_mapping import CompiledWebhook, compile_webhook, mapped
from collector.webhooks.webhook_signature import secret_names
from deploy.applying.configuration import read_file
from runtime.control import read_control
from runtime.environment.settings import CollectorSettings, KafkaSettings
from schemas.control import ControlState
from schemas.events.call import decode_json
from schemas.events.pack import PackedEvent
from schemas.identity.identifiers import MESSAGE, node_key
from schemas.sources.webhooks import Webhook
from schemas.wire.codec import decode

NOBODY = "nothing says whose event this is: it would become a dead letter (no_identifier); map userId, email or anonymousId"


class BadTry(ValueError):
    """It cannot be tried; the text says why."""


class Tried(msgspec.Struct, frozen=True):
    """`events` are the calls as they would be stored, `dead_letters` what would be kept instead, `remarks` what to look at."""

    events: list[Any]
    dead_letters: list[dict[str, str]]
    remarks: list[str] = []


def webhook_of_file(file: Path, webhook_id: str) -> Webhook:
    """As the file has it, applied or not. Raises BadConfiguration, BadTry."""
    return _named(ControlState(read_file(file)), webhook_id, str(file))


def applied_webhook(kafka: KafkaSettings, webhook_id: str) -> Webhook:
    """Raises KafkaUnavailable, BadTry."""
    return _named(read_control(kafka, kafka.answer_timeout_s), webhook_id, "the configuration")


def delivery_of(payload: bytes, headers: Sequence[str], query: str) -> Delivery:
    """`headers` as they are written, `Name: value`. Raises BadTry."""
    pairs = [header.partition(":") for header in headers]
    if wrong := [name for name, colon, _ in pairs if not (colon and name.strip())]:
        raise BadTry(f"--header {wrong[0]!r} is none: write it as 'X-GitHub-Event: push'")
    return Delivery(
        method="POST", url="", query=query, body=payload,
        headers={name.strip().lower(): value.strip() for name, _, value in pairs},
    )  # fmt: skip


def tried(webhook: Webhook, delivery: Delivery, settings: CollectorSettings, now: int) -> Tried:
    """`now` is when it would have come, in ms since the epoch. Raises BadWebhook."""
    mapping = compile_webhook(webhook)
    scope = scope_of(delivery, settings.body_bytes_max, secret_names(webhook.signature))
    if isinstance(scope, Refusal):
        return Tried([], [{"reason": scope.reason.value, "detail": scope.detail}])
    events, letters = sorted_out(mapped(mapping, scope), _arrival(mapping, delivery, settings, now))
    remarks = [f"{event.message_id}: {NOBODY}" for event in events if _is_nobodys(event)]
    return Tried(
        [decode_json(event.payload) for event in events], [_told(letter) for letter in letters], remarks
    )


def _named(state: ControlState, webhook_id: str, where: str) -> Webhook:
    if webhook := state.webhook(webhook_id):
        return webhook
    known = ", ".join(sorted(one.id for one in state.webhooks.values())) or "none"
    raise BadTry(f"{where} has no webhook {webhook_id!r}; there is: {known}")


def _arrival(mapping: CompiledWebhook, delivery: Delivery, settings: CollectorSettings, now: int) -> Arrival:
    limits = Limits(
        event_bytes_max=settings.event_bytes_max,
        body_bytes_max=settings.body_bytes_max,
        batch_events_max=settings.batch_events_max,
        shared_bytes_max=settings.shared_bytes_max,
    )
    ids: Iterator[str] = (f"made-up-{number}" for number in count())
    return Arrival(source=mapping.source, received=delivery.body, received_at=now, ids=ids, limits=limits)


def _is_nobodys(event: PackedEvent) -> bool:
    return event.routing == node_key(event.workspace, MESSAGE, event.message_id)


def _told(letter: Letter) -> dict[str, str]:
    return {"reason": letter.reason.value, "detail": str(decode(letter.value)["detail"])}
