"""Values of JSON as rules compare them: what a dotted name reaches, and one text for each value; and how reading fails. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

# What reading a stored document raises: not of its kind, not UTF-8, nested too deeply.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_encode = msgspec.json.Encoder(order="sorted").encode


def inner_of(value: Any, key: str) -> Any:
    """What is under a key of an element; of a list what each of its objects has there, as one list."""
    if not isinstance(value, list):
        return value.get(key) if isinstance(value, dict) else None
    found = [each[key] for each in value if isinstance(each, dict) and key in each]
    flat = [inner for each in found for inner in (each if isinstance(each, list) else (each,))]
    return [each for each in flat if each is not None] or None


def trait_at(traits: Mapping[str, Any], name: str) -> Any:
    """The value of a trait by its dotted name: the first part is the trait's, the others reach into it."""
    head, *keys = name.split(".")
    found = traits.get(head)
    for key in keys:
        found = inner_of(found, key)
    return found


def one_text(value: Any) -> bytes:
    """JSON, the same however the keys of an object stand, and whether a number has a point or not."""
    return _encode(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value
