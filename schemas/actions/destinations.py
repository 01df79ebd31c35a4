"""Where actions go: documents `destination/WORKSPACE/NAME` on `control`. Secrets are named here, and read by whoever sends.

`integration` is the name by which an event's `integrations` object switches the destination off or on (default: its own name).
`default_actions` makes rules of the table of defaults (schemas/rules/default_actions.py), of which `actions` replaces some.
"""

from typing import Annotated, Any, Literal

import msgspec

from schemas.definitions.names import Name
from schemas.sources.webhooks import HeaderName, SecretReference

DESTINATION = "destination/"

Url = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s]+\Z", max_length=2_000)]
Host = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.:-]{1,253}\Z")]
Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Concurrency = Annotated[int, msgspec.Meta(ge=1, le=1_000)]
# What was applied before these had bounds is still read: schemas/rules/rules.py.
PerSecond = Annotated[float, msgspec.Meta(gt=0, extra_json_schema={"minimum": 0.001, "maximum": 100_000})]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=120, extra_json_schema={"minimum": 0.1})]


class HttpDestination(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """For webhooks and other requests. `signing_secrets`: of Standard Webhooks (whsec_...); all of them sign, while one replaces
    another. `secret_headers`: headers whose values are secrets. Private addresses only when `allow_private_addresses`."""

    url: Url
    signing_secrets: list[SecretReference] = []
    headers: dict[HeaderName, str] = {}
    secret_headers: dict[HeaderName, SecretReference] = {}
    timeout_s: Seconds = 15.0
    allow_private_addresses: bool = False


class SmtpDestination(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    host: Host
    from_: str = msgspec.field(name="from")
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: SecretReference | None = None
    timeout_s: Seconds = 30.0
    allow_private_addresses: bool = False


class KafkaDestination(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """`topic` without our prefix; it must exist. None of our own topics."""

    topic: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,200}\Z")]


class Destination(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """Exactly one of `http`, `smtp` and `kafka`."""

    destination: Name
    workspace: Name = "main"
    http: HttpDestination | None = None
    smtp: SmtpDestination | None = None
    kafka: KafkaDestination | None = None
    integration: str = ""
    concurrency_max: Concurrency = 20
    requests_per_s_max: PerSecond | None = None
    default_actions: bool = False
    actions: dict[str, Any] = {}  # by event name: an action instead of the default one, or null for none
    description: str = ""

    @property
    def key(self) -> str:
        """On the control topic."""
        return destination_key(self.workspace, self.destination)

    @property
    def switch(self) -> str:
        """Its name in an event's `integrations`."""
        return self.integration or self.destination


def destination_key(workspace: str, name: str) -> str:
    return f"{DESTINATION}{workspace}/{name}"


decode_destination = msgspec.json.Decoder(Destination).decode
