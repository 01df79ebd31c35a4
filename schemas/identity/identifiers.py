"""Identifiers of people: from what a client sends to a node key, a node id and a partition.

A *node key* is the bytes `workspace|kind:value`, for example `main|a:6f1c` or `main|e:<sha256 of the address>`. It is the
routing id of a raw event, the key of state and the input of both hashes below, so that a device's events, its state and its
node share a partition number.

Deliberately absent: block lists (they are identity's business, and routing must never change when a list does).
"""

import hashlib
import re
from binascii import hexlify
from collections.abc import Mapping, Sequence
from typing import Any

import schemas.values.octets as octets

USER, EXTERNAL, EMAIL, ANONYMOUS, MESSAGE = "u", "x", "e", "a", "m"

KAFKA_SEED = 0x9747B28C  # the seed of Kafka's own murmur2 partitioner
NODE_ID_MASK = (
    1 << 63
) - 1  # docs/decisions/0003: the same number in Avro's signed long, Java, Python and ClickHouse

_KAFKA_SEED, _NODE_ID_MASK = KAFKA_SEED, NODE_ID_MASK  # numbers of C, where this is C

# x@y.z, where the first dot that can be the one is: text of any length is read in one go.
EMAIL_SHAPE = re.compile(r"[^@\s]+@[^@\s][^@\s.]*\.[^@\s]+")


def text(value: object) -> str:
    """A scalar of JSON as an identifier: trimmed; null and "" are absent (""); 7.0 and 7 are "7"; true is "true"."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def normalise_email(value: object) -> str:
    """Trimmed and lower-case when it has the shape x@y.z, else "" (absent)."""
    if not isinstance(value, str):
        return ""
    address = value.strip().lower()
    return address if EMAIL_SHAPE.fullmatch(address) else ""


def hash_email(address: str) -> str:
    """SHA-256 in hex of a normalised address: what a link may carry as `eh`, and what node state keeps."""
    return hashlib.sha256(address.encode()).hexdigest()


def node_key(workspace: str, kind: str, value: str) -> bytes:
    """The bytes of a node. For `EMAIL` the value is the address's hash, for `EXTERNAL` it is `type:id`."""
    return f"{workspace}|{kind}:{value}".encode()


def node_id(key: bytes, hash_key: bytes) -> int:
    """SipHash-2-4 of a node key under the deployment's 16-byte hash key, top bit cleared: 0 .. 2**63-1.

    Keyed, since anonymous ids are chosen by strangers. ClickHouse computes the same number with
    `bitAnd(sipHash64Keyed((k0, k1), key), 0x7FFFFFFFFFFFFFFF)`, k0 and k1 being the key's little-endian halves.
    """
    return octets.siphash(key, hash_key) & _NODE_ID_MASK


def profile_id(node: int) -> str:
    """The public form of a root's node id: 16 hex digits."""
    return node.to_bytes(8, "big").hex()


def profile_key(node: int) -> bytes:
    """The same as bytes: a record's key."""
    return hexlify(octets.eight(node))


def partition_of(key: bytes, partitions: int) -> int:
    """The partition to which Kafka's own clients send this key."""
    return partition_hash(key) % partitions


def partition_hash(key: bytes) -> int:
    """What `partition_of` divides by the number of partitions: enough to find the partition, and no way back to the key."""
    return octets.murmur2(key, _KAFKA_SEED) & 0x7FFFFFFF


def external_ids(context: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(type, id) of every usable entry of `context.externalIds`: collection `users`, encoding `none`, both being the defaults.

    A type has its ":" (and "%") percent-encoded, so that in `type:id` the first ":" ends the type and no two ids are one.
    """
    entries = context.get("externalIds")
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        return []
    found = []
    for entry in entries:
        if not isinstance(entry, Mapping):
            continue
        kind, value = _scalar_text(entry.get("type")), _scalar_text(entry.get("id"))
        plain = entry.get("collection", "users") == "users" and entry.get("encoding", "none") == "none"
        if kind and value and plain:
            found.append((_external_type(kind), value))
    return found


def _external_type(kind: str) -> str:
    return kind.replace("%", "%25").replace(":", "%3A") if ":" in kind or "%" in kind else kind


def _scalar_text(value: object) -> str:
    """Objects and lists are no identifiers: "" like null."""
    return "" if isinstance(value, dict | list) else text(value)
