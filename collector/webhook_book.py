"""The webhooks as they are now, each compiled once, with what their secrets' references hold. An edge: it reads files.

A secret is read again when what is known of it is older than SECRETS_AGE_S_MAX, so that a file that was changed counts without
a restart. A reference that holds nothing is logged by its name; what it holds never is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import structlog

from collector.exchange import Intake, Request
from collector.limits import Limits
from collector.paths import WEBHOOKS
from collector.replies import Reply
from collector.webhook import Ready, accept_webhook, unknown_webhook, unusable
from collector.webhook_body import Delivery
from collector.webhook_mapping import BadWebhook, CompiledWebhook, compile_webhook
from schemas.control import ControlState
from schemas.webhooks import Webhook

log = structlog.get_logger()

SECRETS_AGE_S_MAX = 30.0
SECRET_BYTES_MAX = 4_096


class Secrets:
    """`now_s` is a clock that never goes back."""

    def __init__(self, environ: Mapping[str, str], now_s: Callable[[], float]) -> None:
        self._environ = environ
        self._now_s = now_s
        self._known: dict[str, tuple[float, bytes]] = {}

    def of(self, references: Sequence[str]) -> list[bytes]:
        """Those that hold something."""
        return [secret for reference in references if (secret := self._secret(reference))]

    def _secret(self, reference: str) -> bytes:
        now_s = self._now_s()
        read_at_s, secret = self._known.get(reference, (float("-inf"), b""))
        if now_s - read_at_s > SECRETS_AGE_S_MAX:
            secret = self._read(reference)
            self._known[reference] = now_s, secret
        return secret

    def _read(self, reference: str) -> bytes:
        kind, _, name = reference.partition(":")
        if kind == "env":
            found = self._environ.get(name, "").encode()
        else:
            try:
                with Path(name).open("rb") as file:
                    found = file.read(SECRET_BYTES_MAX + 1)
            except OSError as error:
                log.error(
                    "a webhook's secret cannot be read", reference=reference, error=type(error).__name__
                )
                return b""
        found = found.strip()
        if not found or len(found) > SECRET_BYTES_MAX:
            log.error("a webhook's secret is empty or too long", reference=reference)
            return b""
        return found


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
