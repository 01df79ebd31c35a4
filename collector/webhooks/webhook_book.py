"""The webhooks as they are now, each compiled once, with what their secrets' references hold (runtime/secrets.py)."""

from collections.abc import Iterator

import structlog

from collector.exchange import Intake, Request
from collector.limits import Limits
from collector.paths import WEBHOOKS
from collector.replies import Reply
from collector.webhooks.webhook import Ready, accept_webhook, unknown_webhook, unusable
from collector.webhooks.webhook_body import Delivery
from collector.webhooks.webhook_mapping import BadWebhook, CompiledWebhook, compile_webhook
from runtime.secrets import Secrets
from schemas.control import ControlState
from schemas.sources.webhooks import Webhook

log = structlog.get_logger()


class WebhookBook:
    """Used on the event loop's thread only."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._compiled: dict[str, tuple[Webhook, CompiledWebhook | str]] = {}

    def accept(
        self, request: Request, *, now: int, ids: Iterator[str], sources: ControlState, limits: Limits
    ) -> Intake:
        """What the table of routes calls; `sources` is the whole state."""
        found = self.ready(sources.webhook(request.path.removeprefix(WEBHOOKS).removesuffix("/")))
        if isinstance(found, Reply):
            return Intake(found)
        delivery = Delivery(
            method=request.method,
            url=request.url,
            query=request.query,
            headers=request.headers or {},
            body=request.body,
        )
        return accept_webhook(delivery, found, now=now, ids=ids, limits=limits)

    def ready(self, webhook: Webhook | None) -> Ready | Reply:
        if webhook is None:
            return unknown_webhook()
        mapping = self._mapping(webhook)
        if isinstance(mapping, str):
            return unusable(mapping)
        challenge = webhook.challenge
        return Ready(
            mapping,
            self._secrets.of(webhook.signature.secrets),
            self._secrets.of([challenge.verify_token]) if challenge else (),
        )

    def _mapping(self, webhook: Webhook) -> CompiledWebhook | str:
        known, mapping = self._compiled.get(webhook.id, (None, ""))
        if known is not webhook:
            mapping = _compiled(webhook)
            self._compiled[webhook.id] = webhook, mapping
        return mapping


def _compiled(webhook: Webhook) -> CompiledWebhook | str:
    """What is wrong in words: `apply` has tried it, so this is a document of another release."""
    try:
        return compile_webhook(webhook)
    except BadWebhook as error:
        log.error("webhook unusable", error=str(error))
        return f"webhook {webhook.id}: its document cannot be used by this release"
