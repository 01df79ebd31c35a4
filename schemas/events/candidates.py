"""A candidate for `Cart Abandoned`: a cart that was touched and not ordered for long enough, as far as its own events say.

Private between agent `commerce` and the stage that asks ClickHouse and sends the event (msgpack, versioned). A message id made of
cart and activity lets each activity fire once, however often the candidate is read.
"""

import msgspec

VERSION = 1
EVENT = "Cart Abandoned"


class Candidate(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """`cart` is the hash of the cart's key, `subject` the node id under which its last activity is stored. Times are in ms;
    `due_at`: from when on it counts as abandoned. Amounts are millionths of `currency`. `products`: id, name, variant, quantity,
    price."""

    version: int
    workspace: str
    cart: int
    cart_id: str
    subject: int
    source: str
    active_at: int
    due_at: int
    currency: str
    value: int | None
    products: list[tuple[str, str, str, int | None, int | None]]

    @property
    def message_id(self) -> str:
        return f"cart-abandoned-{self.cart:016x}-{self.active_at}"


class UnknownCandidateVersion(ValueError):
    """A candidate of a later release: the reader must be upgraded first."""


encode_candidate = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Candidate).decode


def decode_candidate(value: bytes) -> Candidate:
    """Raises msgspec.DecodeError (no candidate) or UnknownCandidateVersion."""
    candidate = _decode(value)
    if candidate.version != VERSION:
        raise UnknownCandidateVersion(f"candidate version {candidate.version}, this release reads {VERSION}")
    return candidate
