"""Whose a request is, by the key in it, and how JSON of strangers is read. Pure: what cannot be read is a refusal.

Absent: what a known key may be used for (admission.py), and what is in the events (intake.py).
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from collector.admission import refused_key
from collector.credentials import key_in_header, key_in_query
from collector.exchange import Request, Sources
from collector.rejection import Refusal
from collector.salvage import Parts, take_apart
from schemas.events.call import decode_write_key
from schemas.events.reasons import Reason
from schemas.identity.identifiers import text
from schemas.sources.sources import Source

T = TypeVar("T")


def sender_of(request: Request, body: bytes | Refusal, sources: Sources, now: int) -> Source | Refusal:
    key = key_in_header(request.authorization) or _key_in_body(body)
    if not key or not isinstance(key, str):
        key = key_in_query(request.query) or key
    if not isinstance(key, str):
        return key  # nobody can say that the body names no source
    if not key:
        return Refusal(
            Reason.NO_WRITE_KEY,
            "the request names no source: give the write key as Basic user name, as Bearer token, as writeKey in the "
            "JSON body or as ?writeKey= in the address",
        )
    source = sources(key)
    if source is None:
        return Refusal(
            Reason.UNKNOWN_WRITE_KEY,
            "no source has this write key: compare it with the one in the configuration",
        )
    if not (source.key_ends or source.secret_key_hashes):
        return source  # as nearly always
    return refused_key(source, key, is_public=bool(request.origin or request.is_address), now=now) or source


def _key_in_body(body: bytes | Refusal) -> str | Refusal:
    """ "" when the body names nobody, a refusal when it cannot be read far enough to tell."""
    if isinstance(body, Refusal):
        return body
    if not body:
        return ""
    found = read(decode_write_key, body)
    if isinstance(found, Refusal) and (parts := taken_apart(found, body)):
        found = read(decode_write_key, parts.head)
    if isinstance(found, Refusal):
        return "" if found.reason is Reason.WRONG_TYPE else found
    return text(found.write_key)


def taken_apart(refusal: Refusal, body: bytes) -> Parts | None:
    """What can be read apart, if the whole was no JSON."""
    return take_apart(body) if refusal.reason is Reason.INVALID_JSON else None


def read(decode: Callable[[bytes], T], payload: bytes) -> T | Refusal:
    try:
        return decode(payload)
    except msgspec.ValidationError as error:
        return Refusal(Reason.WRONG_TYPE, f"{error}: send the type that the tracking API names")
    except RecursionError:
        return Refusal(Reason.INVALID_JSON, "the JSON is nested too deeply: flatten it")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Refusal(Reason.INVALID_JSON, f"the text cannot be read as JSON: {error}")
