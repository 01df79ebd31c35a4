"""Tokens as texts, and signatures by them: Ed25519.

A token's text holds its private key, and is shown once. Deliberately absent: randomness, which is given, and documents
(schemas/access/tokens.py).
"""

from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SEED_BYTES: Final = 32
_HEAD: Final = "stitchline"


class Held(NamedTuple):
    """A token as whoever applies holds it."""

    token: str
    seed: bytes

    @property
    def text(self) -> str:
        return f"{_HEAD}.{self.token}.{urlsafe_b64encode(self.seed).decode().rstrip('=')}"

    @property
    def public_key(self) -> str:
        return b64encode(self._private.public_key().public_bytes_raw()).decode()

    def sign(self, message: bytes) -> str:
        return b64encode(self._private.sign(message)).decode()

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def read_token(text: str) -> Held | None:
    """None for what is no token."""
    head, _, rest = text.strip().partition(".")
    name, _, secret = rest.rpartition(".")
    try:
        seed = urlsafe_b64decode(secret + "=" * (-len(secret) % 4))
    except (NotBase64, ValueError):
        return None
    return Held(name, seed) if head == _HEAD and name and len(seed) == SEED_BYTES else None


def is_signed(public_key: str, signature: str, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(b64decode(public_key)).verify(b64decode(signature), message)
    except (InvalidSignature, NotBase64, ValueError):
        return False
    return True
