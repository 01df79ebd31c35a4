"""Webhooks for tests: documents, deliveries that are signed as their senders do it, and what the collector makes of them."""

import base64
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from collector.exchange import Intake
from collector.limits import Limits
from collector.unsettled import MessageIds
from collector.webhooks.webhook import Ready, accept_webhook
from collector.webhooks.webhook_body import Delivery
from collector.webhooks.webhook_mapping import compile_webhook
from schemas.sources.webhooks import Webhook

NOW = 1_767_225_600_000  # in ms
NOW_S = str(NOW // 1000)
SECRET = b"a-secret-of-the-tests"
LIMITS = Limits(
    event_bytes_max=32_768, body_bytes_max=100_000, batch_events_max=5_000, shared_bytes_max=1_000_000
)
URL = "https://collect.shop.example/w/hook"
ENTRY = {"type": "track", "event": "Happened", "userId": "=body.user", "messageId": "=body.id"}


def webhook(*entries: Mapping[str, Any], scheme: str = "github", **settings: Any) -> Webhook:
    signature = {"scheme": scheme, "secrets": ["env:SECRET"], **settings.pop("signature", {})}
    document = {"id": "hook", "signature": signature, "events": list(entries or (ENTRY,)), **settings}
    return msgspec.convert(document, Webhook)


def digest(signed: bytes, algorithm: str = "sha256", key: bytes = SECRET) -> bytes:
    return hmac.new(key, signed, algorithm).digest()


def coded(signed: bytes, algorithm: str = "sha256", key: bytes = SECRET) -> str:
    return base64.b64encode(digest(signed, algorithm, key)).decode()


def github(body: bytes, headers: Mapping[str, str] | None = None, key: bytes = SECRET) -> Delivery:
    signature = {"x-hub-signature-256": f"sha256={digest(body, key=key).hex()}"}
    return Delivery(method="POST", url=URL, headers={**signature, **(headers or {})}, body=body)


def accepted(
    delivery: Delivery, document: Webhook, *secrets: bytes, tokens: tuple[bytes, ...] = ()
) -> Intake:
    ready = Ready(compile_webhook(document), secrets or (SECRET,), tokens)
    return accept_webhook(delivery, ready, now=NOW, ids=MessageIds(), limits=LIMITS)


def taken(value: Any, *entries: Mapping[str, Any], **settings: Any) -> Intake:
    """Of a payload that GitHub has signed."""
    return accepted(github(msgspec.json.encode(value)), webhook(*entries, **settings))


def calls(intake: Intake) -> list[dict[str, Any]]:
    return [msgspec.json.decode(event.payload) for event in intake.events]
