"""One delivery to a webhook in, one reply and the records to keep out. Pure: any bytes give a reply.

Nothing of a delivery is looked at before its sender is proved. After that it is kept whatever it is: as events, or as a
dead letter with the entry that failed; both are answered 200, since it is not the sender who can mend a mapping, and one that is
answered otherwise repeats, and in the end is silent. Absent: where secrets come from (webhook_book.py).
"""

import hmac
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import msgspec

from collector.exchange import Intake
from collector.intake import Arrival, read_event
from collector.limits import Limits
from collector.privacy import treatment
from collector.rejection import Letter, Refusal, dead_letter
from collector.replies import SUCCESS, Reply, json_reply, method_not_allowed, refused, try_later
from collector.webhooks.webhook_body import Delivery, parameters, scope_of
from collector.webhooks.webhook_mapping import CompiledWebhook, Mapped, mapped
from collector.webhooks.webhook_signature import refusal_of, secret_names
from schemas.events.network import without_addresses_in
from schemas.events.pack import PackedEvent
from schemas.events.reasons import Reason

CHALLENGE_CHARS_MAX = 1_000
RETRY_AFTER_S = 60
PLAIN = (("content-type", "text/plain; charset=utf-8"), ("x-content-type-options", "nosniff"))
READS = ("GET", "HEAD")


class Ready(msgspec.Struct, frozen=True):
    """A webhook that can be used, with what its references hold now. Without secrets nothing can be believed."""

    mapping: CompiledWebhook
    secrets: Sequence[bytes]
    verify_tokens: Sequence[bytes] = ()


def accept_webhook(
    delivery: Delivery, ready: Ready, *, now: int, ids: Iterator[str], limits: Limits
) -> Intake:
    """`now` is in ms since the epoch."""
    webhook = ready.mapping.webhook
    if delivery.method in READS:
        return Intake(_greeted(delivery, ready, now))
    if delivery.method != "POST":
        return Intake(method_not_allowed("POST"))
    if not ready.secrets:
        return Intake(unusable(f"webhook {webhook.id}: none of its secrets can be read"))
    if refusal := refusal_of(delivery, webhook.signature, ready.secrets, now):
        return Intake(refused(refusal))
    source = ready.mapping.source
    treated = treatment(source, None, is_browser=False)
    shortened = partial(without_addresses_in, kept=treated.kept) if treated else bytes
    body = shortened(delivery.body)  # as it may be kept
    scope = scope_of(delivery, limits.body_bytes_max, secret_names(webhook.signature))
    if isinstance(scope, Refusal):
        # A body over the limit is not read to its end: there is nothing whole to keep.
        kept = [] if scope.reason is Reason.BODY_TOO_LARGE else [dead_letter(scope, body, source, now)]
        return Intake(refused(scope), source, [], kept)
    if reply := _challenged(scope["body"], ready):
        return Intake(reply)
    found = mapped(ready.mapping, scope)
    calls = [(place, shortened(call)) for place, call in found.calls]
    arrival = Arrival(source=source, received=body, received_at=now, ids=ids, limits=limits)
    events, letters = sorted_out(msgspec.structs.replace(found, calls=calls), arrival)
    return Intake(SUCCESS, source, events, letters)


def sorted_out(found: Mapped, arrival: Arrival) -> tuple[list[PackedEvent], list[Letter]]:
    """What the door takes of the calls, and dead letters: one of the whole payload, however many entries failed."""
    source, now = arrival.source, arrival.received_at
    events, letters = [], []
    for place, call in found.calls:
        event = read_event(call, arrival)
        if isinstance(event, Refusal):
            placed = event._replace(detail=f"{place}: {event.detail}")
            letters.append(dead_letter(placed, call, source, now))
        else:
            events.append(event)
    if found.failures:
        first, *others = found.failures
        more = f"; and {len(others)} more" if others else ""
        whole = first._replace(detail=f"{first.detail}{more}")
        letters.append(dead_letter(whole, arrival.received, source, now))
    return events, letters


def unknown_webhook() -> Reply:
    return refused(
        Refusal(Reason.UNKNOWN_WEBHOOK, "no webhook has this id: compare the address with the configuration")
    )


def unusable(detail: str) -> Reply:
    return try_later(
        Reason.WEBHOOK_UNUSABLE,
        f"{detail}: mend it, and send the same again after Retry-After",
        RETRY_AFTER_S,
    )


def _greeted(delivery: Delivery, ready: Ready, now: int) -> Reply:
    """To senders that ask before they send: Meta by a word to be said again, others by a GET with the token."""
    asked = parameters(delivery.query)
    token, word = asked.get("hub.verify_token", ""), asked.get("hub.challenge", "")
    if token and word and len(word) <= CHALLENGE_CHARS_MAX:
        shown = [hmac.compare_digest(token.encode(), known) for known in ready.verify_tokens]
        if any(shown):
            return Reply(200, word.encode(), PLAIN)
        return refused(Refusal(Reason.WRONG_SIGNATURE, "hub.verify_token is not the webhook's: compare them"))
    signature = ready.mapping.webhook.signature
    if signature.scheme == "query" and not refusal_of(delivery, signature, ready.secrets, now):
        return SUCCESS
    return method_not_allowed("POST")


def _challenged(body: Any, ready: Ready) -> Reply | None:
    """The answer to a signed question whether this is the right place: Slack's and Zoom's."""
    scheme = ready.mapping.webhook.signature.scheme
    if not isinstance(body, dict):
        return None
    if scheme == "slack" and body.get("type") == "url_verification":
        word = body.get("challenge")
        return json_reply(200, {"challenge": word}) if _is_word(word) else None
    if scheme == "zoom" and body.get("event") == "endpoint.url_validation":
        payload = body.get("payload")
        word = payload.get("plainToken") if isinstance(payload, dict) else None
        if isinstance(word, str) and _is_word(word):
            digest = hmac.new(ready.secrets[0], word.encode(), "sha256").hexdigest()
            return json_reply(200, {"plainToken": word, "encryptedToken": digest})
    return None


def _is_word(word: Any) -> bool:
    return isinstance(word, str) and len(word) <= CHALLENGE_CHARS_MAX
