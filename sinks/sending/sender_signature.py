"""The signature of a webhook, as Standard Webhooks say: HMAC-SHA256 of id, timestamp and body, by each secret. Pure."""

import base64
import binascii
import hmac
from collections.abc import Iterable

PREFIX = b"whsec_"


class BadSecret(ValueError):
    """A secret is not `whsec_` and base64. The text does not quote it."""


def signature_headers(message_id: str, now_s: int, body: bytes, secrets: Iterable[bytes]) -> dict[str, str]:
    """`secrets` as they are written; none gives no signature. Raises BadSecret."""
    signed = b".".join((message_id.encode(), str(now_s).encode(), body))
    signatures = [f"v1,{_signature(_key(secret), signed)}" for secret in secrets]
    headers = {"webhook-id": message_id, "webhook-timestamp": str(now_s)}
    return headers | ({"webhook-signature": " ".join(signatures)} if signatures else {})


def _key(secret: bytes) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not key:
        raise BadSecret("a signing secret is not whsec_ and base64")
    return key


def _signature(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
