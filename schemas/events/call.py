"""One call of the Segment HTTP tracking API, typed as far as routing and resolving need it.

Nested objects stay raw JSON: most events pass through without anybody reading them.
Source of the fields: the Segment spec, "common fields" (segmentio/segment-docs, src/connections/spec/common.md).
"""

from collections.abc import Callable
from typing import Any

import msgspec

Scalar = str | int | float | bool | None

CALL_TYPES = ("identify", "track", "page", "screen", "group", "alias")

ABSENT = msgspec.Raw(b"null")


class Call(msgspec.Struct, rename="camel", frozen=True, gc=False, kw_only=True):
    """Scalars as sent (see `identifiers.text`), objects as raw JSON. Unknown fields stay in the payload."""

    type: Scalar = None
    message_id: Scalar = None
    anonymous_id: Scalar = None
    user_id: Scalar = None
    previous_id: Scalar = None
    group_id: Scalar = None
    event: Scalar = None
    name: Scalar = None
    timestamp: Scalar = None
    original_timestamp: Scalar = None
    sent_at: Scalar = None
    traits: msgspec.Raw = ABSENT
    properties: msgspec.Raw = ABSENT
    context: msgspec.Raw = ABSENT
    integrations: msgspec.Raw = ABSENT


class Batch(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The body of `/v1/batch`: `context` and `sentAt` apply to each event that has none of its own.

    `anonymous_id` does so for browsers only, and after the cookie: the pixel sends it when it has not heard yet who it is.
    """

    batch: list[msgspec.Raw]
    write_key: Scalar = None
    anonymous_id: Scalar = None
    sent_at: Scalar = None
    context: msgspec.Raw = ABSENT


class WriteKey(msgspec.Struct, rename="camel", frozen=True):
    """What the door reads of a body before it knows the sender."""

    write_key: Scalar = None


decode_call = msgspec.json.Decoder(Call).decode
decode_batch = msgspec.json.Decoder(Batch).decode
decode_write_key = msgspec.json.Decoder(WriteKey).decode
decode_json: Callable[[bytes | msgspec.Raw], Any] = msgspec.json.Decoder(Any).decode


def as_object(raw: msgspec.Raw | bytes) -> dict[str, Any]:
    """A nested field as a dict; null, absent and every other type of JSON value count as {}.

    Raises msgspec.DecodeError when the text is not JSON.
    """
    value = decode_json(raw)
    return value if isinstance(value, dict) else {}
