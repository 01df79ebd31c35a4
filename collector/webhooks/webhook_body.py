"""A delivery as its mapping sees it: the body as a value, headers and address as names. Pure.

JSON, or a form as Twilio, Mailchimp and Slack send it. Header names are written as expressions can (`x_github_event`); those
that carry what proves the sender are left out, so that no mapping can store them.
"""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from collector.body import is_utf8, unpacked, with_whole_characters
from collector.rejection import Refusal
from schemas.events.call import decode_json
from schemas.events.reasons import Reason

FORM = "application/x-www-form-urlencoded"
FORM_FIELDS_MAX = 1_000
QUERY_FIELDS_MAX = 100
NESTED_MAX = 8  # names in a[b][c]
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a webhook's address. `headers` have lower-case names; `url` is the address that the sender used."""

    method: str
    url: str
    query: str = ""
    headers: Mapping[str, str] = {}
    body: bytes = b""


def scope_of(delivery: Delivery, bytes_max: int, secret_names: frozenset[str]) -> dict[str, Any] | Refusal:
    """What expressions see. `secret_names`: of headers and parameters that prove the sender, in lower case."""
    body = unpacked(delivery.body, delivery.headers.get("content-encoding", ""), bytes_max)
    if isinstance(body, Refusal):
        return body
    value = _value(with_whole_characters(body), delivery.headers.get("content-type", ""))
    if isinstance(value, Refusal):
        return value
    left_out = SECRET_HEADERS | secret_names
    return {
        "body": value,
        "headers": {
            name.replace("-", "_"): text for name, text in delivery.headers.items() if name not in left_out
        },
        "query": {name: text for name, text in parameters(delivery.query).items() if name not in left_out},
        "body_hash": hashlib.sha256(delivery.body).hexdigest(),
    }


def parameters(query: str) -> dict[str, str]:
    """Of the address; none when it has too many."""
    try:
        return dict(parse_qsl(query, max_num_fields=QUERY_FIELDS_MAX, keep_blank_values=True))
    except ValueError:
        return {}


def form_fields(body: bytes) -> list[tuple[str, str]]:
    """Raises ValueError when they are too many or no text."""
    return parse_qsl(body.decode(), max_num_fields=FORM_FIELDS_MAX, keep_blank_values=True)


def _value(body: bytes, content_type: str) -> Any:
    is_form = content_type.partition(";")[0].strip().lower() == FORM
    if is_form and not body.lstrip().startswith((b"{", b"[")):
        return _form(body)
    return _json(body)


def _json(body: bytes) -> Any:
    if not is_utf8(body):
        return Refusal(Reason.INVALID_JSON, "the text is not UTF-8: encode it as UTF-8")
    try:
        return decode_json(body)
    except (msgspec.DecodeError, RecursionError) as error:
        return Refusal(Reason.INVALID_JSON, f"the text cannot be read as JSON: {error}")


def _form(body: bytes) -> Any:
    try:
        fields = form_fields(body)
    except ValueError:
        return Refusal(
            Reason.INVALID_JSON,
            f"the form cannot be read: it is no UTF-8 or has more than {FORM_FIELDS_MAX} fields",
        )
    if [name for name, _ in fields] == ["payload"]:  # JSON in a form, as GitHub and Slack can send it
        return _json(fields[0][1].encode())
    whole: dict[str, Any] = {}
    for name, value in fields:
        _put(whole, _path(name), value)
    return whole


def _path(name: str) -> list[str]:
    """`data[merges][NAME]` as three names; what is not of that form is one."""
    first, bracket, rest = name.partition("[")
    if not (first and bracket and rest.endswith("]")):
        return [name]
    return [first, *rest[:-1].split("][", NESTED_MAX - 1)]


def _put(whole: dict[str, Any], path: list[str], value: str) -> None:
    """A name that comes again makes a list; a name that is both a value and an object stays what it was first."""
    *parents, last = path
    for name in parents:
        inner = whole.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        whole = inner
    known = whole.get(last)
    if isinstance(known, list):
        known.append(value)
    elif not isinstance(known, dict):
        whole[last] = value if known is None else [known, value]
