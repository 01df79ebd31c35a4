"""What is to be sent, with all templates filled in: the JSON of `Due.request`, one shape for each kind of action that leaves.

Made by agent `actions` once for all attempts, read by whoever sends. No secrets: those are put in where it is sent.
"""

from typing import Any

import msgspec

# In lower case: the connection's own, what says where a request goes or who sends it, and the signature's.
SENDERS_HEADERS = frozenset(
    (
        *("accept-encoding", "connection", "content-length", "expect", "host", "keep-alive"),
        *("proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
        *("user-agent", "webhook-id", "webhook-signature", "webhook-timestamp"),
    )
)


class WebhookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`body` is the JSON text that is signed and sent."""

    body: str


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`path` is put behind the destination's address; `body` is as it is sent, `content_type` "" when there is none."""

    method: str
    path: str = ""
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: str = ""
    content_type: str = ""


class EmailRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`from_` and `reply_to` "": the destination's own."""

    to: list[str]
    subject: str
    text: str = ""
    html: str = ""
    from_: str = ""
    reply_to: str = ""


class KafkaRequest(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    value: Any


REQUESTS = {"webhook": WebhookRequest, "http": HttpRequest, "email": EmailRequest, "kafka": KafkaRequest}
