"""Whether a dead letter holds one of a person's identifiers. Pure.

A letter's payload is whatever was sent, so nothing can be relied on: where it is JSON its own fields are compared, as the
resolver would read them; where it is not, it counts when a field that names people is followed by one of the values.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from schemas.events.call import decode_json
from schemas.identity.identifiers import ANONYMOUS, EMAIL, EXTERNAL, USER, external_ids, normalise_email, text

Pair = tuple[str, str]  # kind, value in clear

_FIELDS = re.compile(
    r'"(?:userId|anonymousId|previousId|user_id|anonymous_id|email|id)"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|(-?[0-9.]+))'
)


def holds_one_of(payload: bytes, pairs: Collection[Pair]) -> bool:
    """Whether the payload names one of these identifiers as its own person's."""
    try:
        document = decode_json(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _text_holds(payload.decode(errors="replace"), pairs)
    return any(pair in pairs for pair in _pairs(document))


def _pairs(document: Any) -> Iterator[Pair]:
    if not isinstance(document, dict):
        return
    context = _object(document.get("context"))
    for name, kinds in (
        ("userId", (USER,)),
        ("anonymousId", (ANONYMOUS,)),
        ("previousId", (USER, ANONYMOUS)),
    ):
        value = _scalar(document.get(name))
        yield from ((kind, value) for kind in kinds)
    yield from ((EXTERNAL, f"{kind}:{value}") for kind, value in external_ids(context))
    for traits in (_object(document.get("traits")), _object(context.get("traits"))):
        yield EMAIL, normalise_email(traits.get("email"))


def _text_holds(payload: str, pairs: Collection[Pair]) -> bool:
    values = {value.partition(":")[2] if kind == EXTERNAL else value for kind, value in pairs}
    found = (quoted or number for quoted, number in _FIELDS.findall(payload))
    return any(value.strip() in values or normalise_email(value) in values for value in found)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _scalar(value: Any) -> str:
    return "" if isinstance(value, dict | list) else text(value)
