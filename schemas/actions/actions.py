"""What a rule does: one action. Texts are templates (Liquid: docs/templates.md), also those within `body` and `properties`.

Where something is sent to is a destination (schemas/actions/destinations.py), so that its secrets, limits and circuit breaker are
its own.
"""

from typing import Any, Literal

import msgspec
from msgspec import UNSET

from schemas.definitions.names import Name

Template = str


class WebhookAction(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """POST of JSON, signed as Standard Webhooks say. Without `body`: {type, timestamp, data: {rule, event, profile}}."""

    destination: Name
    type: Template = ""
    body: Any = UNSET


class HttpAction(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A request of any form, relative to the destination's address: gateways for SMS and the like. Of `json`, `form` and `text`
    one at most."""

    destination: Name
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    path: Template = ""
    query: dict[str, Template] = {}
    headers: dict[str, Template] = {}
    json: Any = UNSET
    form: dict[str, Template] | None = None
    text: Template | None = None


class EmailAction(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """By the destination's SMTP server. `to` "": the person's address. One of `text` and `html` at least."""

    destination: Name
    subject: Template
    to: Template = ""
    text: Template = ""
    html: Template = ""
    from_: Template = msgspec.field(default="", name="from")
    reply_to: Template = ""


class KafkaAction(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A record of a topic, of the destination's Kafka or our own. `key` "": the profile id."""

    destination: Name
    key: Template = ""
    value: Any = UNSET  # JSON; without one as a webhook's


class ListAction(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One of `add` and `remove`: the list the person's contact of the list's channel is put on it, or taken off it."""

    add: Name | None = None
    remove: Name | None = None
    address: Template = ""  # "": the person's


class TraitAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An identify call with these traits, in the name of the subject."""

    set: dict[str, Any]


class EventAction(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A track call, in the name of the subject."""

    name: Template
    properties: dict[str, Any] = {}


class Action(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Exactly one of these."""

    webhook: WebhookAction | None = None
    http: HttpAction | None = None
    email: EmailAction | None = None
    kafka: KafkaAction | None = None
    list: ListAction | None = None
    trait: TraitAction | None = None
    event: EventAction | None = None

    @property
    def kind(self) -> str:
        """The name of the one that is given."""
        return next(name for name in self.__struct_fields__ if getattr(self, name) is not None)

    @property
    def destination(self) -> str:
        """Its name; "" where there is none."""
        return getattr(getattr(self, self.kind), "destination", "")
