"""Webhook sources: whose deliveries are believed, and what becomes of their payloads: documents `webhook/ID` on `control`.

A webhook is a source whose sender cannot be told what to send: its payload is mapped to calls of the tracking API by the
entries of `events` (docs/webhooks.md). Secrets are named here and read where they are used; no document holds one.
Compiling and applying is collector/webhooks/webhook_mapping.py's, checking signatures collector/webhooks/webhook_signature.py's.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec

from schemas.definitions.names import Name
from schemas.definitions.shapes import in_words, shaped
from schemas.sources.sources import Burst, EventsPerSecond, Privacy, Quota, Source

WEBHOOK = "webhook/"
WEBHOOK_BYTES_MAX = 200_000  # as JSON
ENTRIES_MAX = 100
SECRETS_MAX = 8  # one for each of them is worked out for every delivery

CallType = Literal["identify", "track", "page", "screen", "group", "alias"]
Scheme = Literal[
    "stripe", "shopify", "github", "slack", "standard", "calendly", "typeform", "meta", "zoom", "woocommerce", "twilio",
    "hmac", "basic", "bearer", "header", "query",
]  # fmt: skip

# env:NAME is a variable of the collector's environment, file:/PATH a file on its machine.
SecretReference = Annotated[
    str,
    shaped(
        r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:/[^\x00]+)\Z",
        "where the secret stands, env:NAME or file:/path, and not the secret itself",
        max_length=1_024,
    ),
]
HeaderName = Annotated[str, shaped(r"^[A-Za-z0-9-]{1,100}\Z", "a header's name such as X-Signature")]
Parameter = Annotated[str, shaped(r"^[A-Za-z0-9_.-]{1,100}\Z", "a parameter's name of A-Z a-z 0-9 _ . -")]


class Signature(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How a delivery proves that it is the sender's. Several `secrets`: any of them will do, while one replaces another.

    Everything but `secrets` and `tolerance_s` is what a named scheme has of itself; `hmac` says it all here: what of the
    request is signed (`signs`, with {method} {url} {id} {timestamp} {body} {form} in it), and where the signature stands.
    `header` also names the header of the scheme `header`, `parameter` the one of the address of the scheme `query`.
    """

    scheme: Scheme
    secrets: Annotated[list[SecretReference], msgspec.Meta(min_length=1, max_length=SECRETS_MAX)]
    tolerance_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 300
    header: HeaderName | None = None
    parameter: Parameter | None = None
    algorithm: Literal["sha256", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: Annotated[str, msgspec.Meta(max_length=100)] = ""
    signs: Annotated[str, msgspec.Meta(max_length=200)] = "{body}"
    timestamp_header: HeaderName | None = None
    id_header: HeaderName | None = None


class Entry(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """One event that a payload becomes. `when` is an expression, `each` one that gives a list: an event for each item.

    In all else a text that begins with "=" is an expression, and any other value stands as it is.
    """

    type: CallType
    when: str = ""
    each: str = ""
    event: Any = None
    name: Any = None
    user_id: Any = None
    anonymous_id: Any = None
    previous_id: Any = None
    group_id: Any = None
    email: Any = None
    timestamp: Any = None
    message_id: Any = None
    properties: dict[str, Any] | str | None = None
    traits: dict[str, Any] | str | None = None
    context: dict[str, Any] | None = None
    integrations: dict[str, Any] | None = None


class Challenge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a sender asks before it sends: `verify_token` is what Meta's GET has to show."""

    verify_token: SecretReference


class WebhookPrivacy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of the network addresses that a payload names (`ip`). No visitor's browser sends it: there is nothing else to say."""

    address: Literal["keep", "truncate", "drop"] = "keep"


class Webhook(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sender. `id` is the source of its events, and stands in the address, /w/ID.

    `otherwise`: what becomes of a payload that no entry wants: kept as a dead letter, or passed over.
    """

    id: Name
    workspace: Name = "main"
    signature: Signature
    events: Annotated[list[Entry], msgspec.Meta(min_length=1, max_length=ENTRIES_MAX)]
    otherwise: Literal["keep", "ignore"] = "keep"
    challenge: Challenge | None = None
    events_per_s_max: EventsPerSecond | None = None
    burst_events_max: Burst | None = None
    quota: Quota = Quota()
    privacy: WebhookPrivacy = WebhookPrivacy()

    @property
    def source(self) -> Source:
        """Whose its events are: one without any key."""
        return Source(
            id=self.id,
            workspace=self.workspace,
            write_key_hashes=[],
            events_per_s_max=self.events_per_s_max,
            burst_events_max=self.burst_events_max,
            quota=self.quota,
            privacy=Privacy(address=self.privacy.address),
        )


class WebhookInput(Webhook, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry under `webhooks:` of a file for `stitchline apply`."""


class Deleted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry that says of a webhook that it shall not be."""

    id: Name
    deleted: Literal[True]


def webhook_records(entries: Iterable[Any]) -> dict[str, bytes | None]:
    """Raises ValueError."""
    found: dict[str, bytes | None] = {}
    for place, entry in enumerate(entries):
        is_deleted = isinstance(entry, dict) and "deleted" in entry
        try:
            read: Deleted | WebhookInput = (
                msgspec.convert(entry, Deleted) if is_deleted else msgspec.convert(entry, WebhookInput)
            )
        except msgspec.ValidationError as error:
            raise ValueError(f"webhooks[{place}]: {in_words(error)}") from None
        if isinstance(read, WebhookInput):
            _refuse_nameless(read)
        if webhook_key(read.id) in found:
            raise ValueError(f"webhook {read.id} stands twice under webhooks: each may stand once")
        found[webhook_key(read.id)] = _document(read) if isinstance(read, WebhookInput) else None
    return found


def _refuse_nameless(webhook: Webhook) -> None:
    """Raises ValueError. One that was applied before is taken as it is; what it makes without a name becomes a dead letter."""
    for place, entry in enumerate(webhook.events):
        if entry.type == "track" and entry.event in (None, ""):
            raise ValueError(
                f"webhook {webhook.id}: events[{place}]: event is missing: a track has a name, as Order Completed or =body.type"
            )


def webhook_key(webhook_id: str) -> str:
    """On the control topic."""
    return f"{WEBHOOK}{webhook_id}"


def refuse_taken_ids(webhooks: Iterable[Webhook], source_ids: Iterable[str]) -> None:
    """Raises ValueError for a webhook with the id of a source: nobody could tell whose events are whose."""
    if taken := sorted({webhook.id for webhook in webhooks} & set(source_ids)):
        raise ValueError(f"{', '.join(taken)} is the id of a source already: give the webhook another one")


def _document(entry: WebhookInput) -> bytes:
    try:
        document = msgspec.json.encode(entry)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"webhook {entry.id}: not expressible as JSON: {error}") from error
    if len(document) > WEBHOOK_BYTES_MAX:
        raise ValueError(f"webhook {entry.id}: {len(document)} bytes as JSON, at most {WEBHOOK_BYTES_MAX}")
    return document


decode_webhook = msgspec.json.Decoder(Webhook).decode
