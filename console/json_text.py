"""JSON that clients sent, on its way into an answer: as it is, when it is JSON that every reader takes. Pure.

Read and written again, a number beyond a double's range or half a surrogate pair would become something else, or nothing at all.
"""

import json

import msgspec

NULL = b"null"


def as_json(text: str) -> msgspec.Raw:
    """The text itself, or where it is no JSON a string that holds it."""
    try:
        json.loads(text, parse_constant=_refused)
    except ValueError:
        return msgspec.Raw(msgspec.json.encode(text))
    return msgspec.Raw(text.encode())


def _refused(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
