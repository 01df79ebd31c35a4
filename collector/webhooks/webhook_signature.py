"""Whether a delivery is its sender's: signatures of the usual kinds, and shared tokens of those that cannot sign. Pure.

A signature is an HMAC, over the bytes as they came, by one of the secrets; what is signed, where the signature stands and how
it is written differ, so each scheme is a line of a table. What is compared is compared in constant time. A timestamp that is
signed too ends replays; where a scheme signs none, a repeated delivery has the sender's id of the event, and counts once.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import msgspec

from collector.rejection import Refusal
from collector.webhooks.webhook_body import Delivery, form_fields, parameters
from schemas.events.reasons import Reason
from schemas.sources.webhooks import Signature

SIGNATURES_MAX = 10  # in one header: senders write one for each of their secrets while they change it
TIMESTAMP_CHARS_MAX = 20
MILLISECONDS_MIN = 100_000_000_000  # a larger number counts milliseconds
STANDARD_PREFIX = b"whsec_"


class Scheme(msgspec.Struct, frozen=True, kw_only=True):
    """How one kind of sender signs. `keys`: the header is a list of name=value, with these names of timestamp and signature.
    `version`: it is a list of signatures, each behind this text. Header names are in lower case, the first that is there counts.
    """

    headers: tuple[str, ...]
    signs: str = "{body}"
    algorithm: Literal["sha256", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    timestamp_headers: tuple[str, ...] = ()
    id_headers: tuple[str, ...] = ()
    keys: tuple[str, str] | None = None
    version: str = ""
    secret_in_base64: bool = False


_STRIPE = Scheme(headers=("stripe-signature",), signs="{timestamp}.{body}", keys=("t", "v1"))
_GITHUB = Scheme(headers=("x-hub-signature-256",), prefix="sha256=")
SCHEMES = {
    "stripe": _STRIPE,
    "calendly": msgspec.structs.replace(_STRIPE, headers=("calendly-webhook-signature",)),
    "github": _GITHUB,
    "meta": _GITHUB,
    "shopify": Scheme(headers=("x-shopify-hmac-sha256",), encoding="base64"),
    "woocommerce": Scheme(headers=("x-wc-webhook-signature",), encoding="base64"),
    "typeform": Scheme(headers=("typeform-signature",), encoding="base64", prefix="sha256="),
    "slack": Scheme(
        headers=("x-slack-signature",), prefix="v0=", signs="v0:{timestamp}:{body}",
        timestamp_headers=("x-slack-request-timestamp",),
    ),
    "zoom": Scheme(
        headers=("x-zm-signature",), prefix="v0=", signs="v0:{timestamp}:{body}", timestamp_headers=("x-zm-request-timestamp",)
    ),
    "standard": Scheme(
        headers=("webhook-signature", "svix-signature"), version="v1,", encoding="base64", signs="{id}.{timestamp}.{body}",
        timestamp_headers=("webhook-timestamp", "svix-timestamp"), id_headers=("webhook-id", "svix-id"), secret_in_base64=True,
    ),
    "twilio": Scheme(headers=("x-twilio-signature",), algorithm="sha1", encoding="base64", signs="{url}{form}"),
}  # fmt: skip

_MISSING = Refusal(
    Reason.NO_SIGNATURE,
    "nothing proves the sender: the header or parameter of its signature or token is missing",
)
_WRONG = Refusal(
    Reason.WRONG_SIGNATURE,
    "the signature or token is not made with the webhook's secret: compare the secrets",
)
_STALE = Refusal(
    Reason.STALE_SIGNATURE,
    "the delivery was signed too long ago or in the future: send it anew, and compare the clocks",
)


def refusal_of(
    delivery: Delivery, signature: Signature, secrets: Sequence[bytes], now: int
) -> Refusal | None:
    """None when one of the secrets proves it. `now` is in ms since the epoch."""
    if signature.scheme in ("basic", "bearer", "header", "query"):
        shown = _shown(delivery, signature)
        if not shown:
            return _MISSING
        return None if _is_one_of(shown, secrets) else _WRONG
    return _refusal_of_signed(delivery, scheme_of(signature), signature.tolerance_s, secrets, now)


def secret_names(signature: Signature) -> frozenset[str]:
    """Of headers and parameters that prove the sender, in lower case."""
    if signature.scheme == "query":
        return frozenset({signature.parameter or ""})
    if signature.scheme in ("basic", "bearer"):
        return frozenset({"authorization"})
    if signature.scheme == "header":
        return frozenset({(signature.header or "").lower()})
    return frozenset(scheme_of(signature).headers)


def problem_of(signature: Signature) -> str:
    """What a document leaves out that its scheme needs, "" when nothing."""
    if signature.scheme in ("hmac", "header") and not signature.header:
        return f"the scheme {signature.scheme} needs `header`"
    if signature.scheme == "query" and not signature.parameter:
        return "the scheme query needs `parameter`"
    if signature.scheme != "hmac":
        return ""
    if "{body}" not in signature.signs and "{form}" not in signature.signs:
        return "`signs` has neither {body} nor {form}: then anybody could send another body"
    if ("{timestamp}" in signature.signs) != bool(signature.timestamp_header):
        return "{timestamp} in `signs` and `timestamp_header` go together"
    if ("{id}" in signature.signs) != bool(signature.id_header):
        return "{id} in `signs` and `id_header` go together"
    return ""


def scheme_of(signature: Signature) -> Scheme:
    """Of a scheme that signs."""
    if known := SCHEMES.get(signature.scheme):
        return known
    return Scheme(
        headers=_lower(signature.header),
        signs=signature.signs,
        algorithm=signature.algorithm,
        encoding=signature.encoding,
        prefix=signature.prefix,
        timestamp_headers=_lower(signature.timestamp_header),
        id_headers=_lower(signature.id_header),
    )


def hmac_text(key: bytes, signed: bytes, scheme: Scheme) -> str:
    digest = hmac.new(key, signed, scheme.algorithm).digest()
    return digest.hex() if scheme.encoding == "hex" else base64.b64encode(digest).decode()


def _refusal_of_signed(
    delivery: Delivery, scheme: Scheme, tolerance_s: int, secrets: Sequence[bytes], now: int
) -> Refusal | None:
    header = _first(delivery, scheme.headers)
    timestamp, signatures = _read(header, delivery, scheme)
    if not header or not signatures:
        return _MISSING
    signed = _signed(delivery, scheme, timestamp)
    if signed is None:
        return _WRONG
    expected = [hmac_text(key, signed, scheme).encode() for key in map(_key_of(scheme), secrets)]
    # Each pair is compared, whatever the first ones gave.
    matches = [hmac.compare_digest(one, shown) for one in expected for shown in signatures]
    if not any(matches):
        return _WRONG
    return _STALE if "{timestamp}" in scheme.signs and _is_stale(timestamp, tolerance_s, now) else None


def _read(header: str, delivery: Delivery, scheme: Scheme) -> tuple[str, list[bytes]]:
    """Timestamp and signatures. Those in hex may be in upper case."""
    if scheme.keys:
        pairs = [part.strip().partition("=")[::2] for part in header.split(",")[: SIGNATURES_MAX + 1]]
        found = [value for name, value in pairs if name == scheme.keys[1]]
        timestamp = next((value for name, value in pairs if name == scheme.keys[0]), "")
    else:
        words = header.split()[:SIGNATURES_MAX] if scheme.version else [header]
        start = scheme.version or scheme.prefix
        found = [word.removeprefix(start) for word in words if word.startswith(start)]
        timestamp = _first(delivery, scheme.timestamp_headers)
    as_written = [value.lower() if scheme.encoding == "hex" else value for value in found]
    return timestamp, [value.encode() for value in as_written if value]


def _signed(delivery: Delivery, scheme: Scheme, timestamp: str) -> bytes | None:
    """What the sender has signed, in its places; None when a part is missing or no form."""
    form = _form(delivery) if "{form}" in scheme.signs else b""
    identifier = _first(delivery, scheme.id_headers)
    if form is None or ("{timestamp}" in scheme.signs and not timestamp):
        return None
    parts = {
        "method": delivery.method.encode(), "url": delivery.url.encode(), "id": identifier.encode(),
        "timestamp": timestamp.encode(), "body": delivery.body, "form": form,
    }  # fmt: skip
    return b"".join(_filled(scheme.signs, parts))


def _filled(template: str, parts: dict[str, bytes]) -> Iterator[bytes]:
    """Once through the template: what a sender writes is never looked through for places."""
    while template:
        text, _, rest = template.partition("{")
        yield text.encode()
        name, _, after = rest.partition("}")
        if name in parts:
            yield parts[name]
        elif rest:
            yield b"{" + rest[: len(rest) - len(after)].encode()
        template = after


def _form(delivery: Delivery) -> bytes | None:
    """As Twilio has it: names and values one after the other, in the order of the names."""
    try:
        return "".join(name + value for name, value in sorted(form_fields(delivery.body))).encode()
    except ValueError:
        return None


def _is_stale(timestamp: str, tolerance_s: int, now: int) -> bool:
    if len(timestamp) > TIMESTAMP_CHARS_MAX or not (timestamp.isascii() and timestamp.isdecimal()):
        return True
    number = int(timestamp)
    ms = number if number >= MILLISECONDS_MIN else number * 1000
    return abs(now - ms) > tolerance_s * 1000


def _shown(delivery: Delivery, signature: Signature) -> bytes:
    """The token of a delivery whose sender cannot sign."""
    if signature.scheme == "query":
        return parameters(delivery.query).get(signature.parameter or "", "").encode()
    if signature.scheme == "header":
        return delivery.headers.get((signature.header or "").lower(), "").encode()
    kind, _, rest = delivery.headers.get("authorization", "").strip().partition(" ")
    if kind.lower() != signature.scheme:
        return b""
    if signature.scheme == "bearer":
        return rest.strip().encode()
    try:
        return base64.b64decode(rest.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _is_one_of(shown: bytes, secrets: Sequence[bytes]) -> bool:
    matches = [hmac.compare_digest(shown, secret) for secret in secrets]
    return any(matches)


def _key_of(scheme: Scheme) -> Callable[[bytes], bytes]:
    return _from_base64 if scheme.secret_in_base64 else bytes


def _from_base64(secret: bytes) -> bytes:
    """One that is none is taken as it is: it was made by another library."""
    coded = secret.removeprefix(STANDARD_PREFIX)
    try:
        return base64.b64decode(coded + b"=" * (-len(coded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return secret


def _first(delivery: Delivery, names: Sequence[str]) -> str:
    return next((found for name in names if (found := delivery.headers.get(name, ""))), "")


def _lower(name: str | None) -> tuple[str, ...]:
    return (name.lower(),) if name else ()
