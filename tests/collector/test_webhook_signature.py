"""Who is believed: every scheme with its own sender's way of signing, and nobody else."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook as StandardLibrary

from collector.unsettled import MessageIds
from collector.webhooks.webhook import Ready, accept_webhook
from collector.webhooks.webhook_body import Delivery
from collector.webhooks.webhook_mapping import BadWebhook, compile_webhook
from schemas.events.reasons import Reason
from tests.collector.webhooks import LIMITS, NOW, NOW_S, SECRET, URL, accepted, coded, digest, github, webhook

BODY = b'{"id":"e-1","user":"ann"}'
FORM = b"To=%2B41&From=%2B49&Body=Hi+there&id=e-1&user=ann"
STANDARD_SECRET = "whsec_" + base64.b64encode(SECRET).decode()
Headers = dict[str, str]


def stripe(body: bytes, key: bytes, at: str) -> Headers:
    old = digest(body, key=b"another").hex()
    return {
        "stripe-signature": f"t={at}, v1={old},v1={digest(f'{at}.'.encode() + body, key=key).hex()},v0=abc"
    }


def calendly(body: bytes, key: bytes, at: str) -> Headers:
    return {"calendly-webhook-signature": f"t={at},v1={digest(f'{at}.'.encode() + body, key=key).hex()}"}


def slack(body: bytes, key: bytes, at: str) -> Headers:
    signed = digest(f"v0:{at}:".encode() + body, key=key)
    return {"x-slack-signature": f"v0={signed.hex()}", "x-slack-request-timestamp": at}


def zoom(body: bytes, key: bytes, at: str) -> Headers:
    signed = digest(f"v0:{at}:".encode() + body, key=key)
    return {"x-zm-signature": f"v0={signed.hex()}", "x-zm-request-timestamp": at}


def shopify(body: bytes, key: bytes, at: str) -> Headers:
    return {"x-shopify-hmac-sha256": coded(body, key=key)}


def woocommerce(body: bytes, key: bytes, at: str) -> Headers:
    return {"x-wc-webhook-signature": coded(body, key=key)}


def typeform(body: bytes, key: bytes, at: str) -> Headers:
    return {"typeform-signature": f"sha256={coded(body, key=key)}"}


def hub(body: bytes, key: bytes, at: str) -> Headers:
    return {"x-hub-signature-256": f"sha256={digest(body, key=key).hex().upper()}"}


def standard(body: bytes, key: bytes, at: str) -> Headers:
    library = StandardLibrary(base64.b64encode(key).decode())
    signed = library.sign("msg-1", datetime.fromtimestamp(int(at), UTC), body.decode())
    return {"webhook-id": "msg-1", "webhook-timestamp": at, "webhook-signature": f"v1a,xyz {signed}"}


def svix(body: bytes, key: bytes, at: str) -> Headers:
    return {name.replace("webhook-", "svix-"): text for name, text in standard(body, key, at).items()}


def twilio(body: bytes, key: bytes, at: str) -> Headers:
    signed = URL + "BodyHi thereFrom+49To+41ide-1userann"
    return {"x-twilio-signature": coded(signed.encode(), "sha1", key)}


def own(body: bytes, key: bytes, at: str) -> Headers:
    signed = b"POST " + URL.encode() + b"|" + at.encode() + b"000|n-1|{x}" + body
    return {"x-sign": "s:" + coded(signed, "sha1", key), "x-at": at + "000", "x-id": "n-1"}


OWN = {
    "header": "X-Sign", "algorithm": "sha1", "encoding": "base64", "prefix": "s:",
    "timestamp_header": "X-At", "id_header": "X-Id",
    "signs": "{method} {url}|{timestamp}|{id}|{x}{body}",
}  # fmt: skip
PLAIN = {"header": "X-Plain"}


def plain(body: bytes, key: bytes, at: str) -> Headers:
    return {"x-plain": digest(body, key=key).hex()}


Sign = Callable[[bytes, bytes, str], Headers]
SIGNED: list[tuple[str, Sign, dict[str, Any], bool]] = [
    ("stripe", stripe, {}, True),
    ("calendly", calendly, {}, True),
    ("slack", slack, {}, True),
    ("zoom", zoom, {}, True),
    ("standard", standard, {}, True),
    ("standard", svix, {}, True),
    ("hmac", own, OWN, True),
    ("hmac", plain, PLAIN, False),
    ("shopify", shopify, {}, False),
    ("woocommerce", woocommerce, {}, False),
    ("typeform", typeform, {}, False),
    ("github", hub, {}, False),
    ("meta", hub, {}, False),
    ("twilio", twilio, {}, False),
]
each_scheme = pytest.mark.parametrize(
    ("scheme", "sign", "signature", "has_time"),
    SIGNED,
    ids=[f"{case[0]}-{case[1].__name__}" for case in SIGNED],
)


def reason(
    scheme: str, signature: dict[str, Any], headers: Headers, *secrets: bytes, body: bytes | None = None
) -> Reason | None:
    """Why the delivery is not believed; None when it is, and became an event."""
    is_form = scheme == "twilio"
    kind = {"content-type": "application/x-www-form-urlencoded" if is_form else "application/json"}
    delivery = Delivery(
        method="POST", url=URL, headers=headers | kind, body=body or (FORM if is_form else BODY)
    )
    intake = accepted(delivery, webhook(scheme=scheme, signature=signature), *(secrets or (key_of(scheme),)))
    assert (len(intake.events), intake.reply.status == 200) in ((1, True), (0, False))
    assert intake.letters == []
    return intake.reply.reason


def key_of(scheme: str) -> bytes:
    return STANDARD_SECRET.encode() if scheme == "standard" else SECRET


def signed(scheme: str, sign: Sign, key: bytes = SECRET, at: str = NOW_S) -> Headers:
    return sign(FORM if scheme == "twilio" else BODY, key, at)


@each_scheme
def test_a_delivery_that_its_sender_signed_is_believed(
    scheme: str, sign: Sign, signature: dict[str, Any], has_time: bool
) -> None:
    assert reason(scheme, signature, signed(scheme, sign)) is None


@each_scheme
def test_while_one_secret_replaces_another_both_count(
    scheme: str, sign: Sign, signature: dict[str, Any], has_time: bool
) -> None:
    headers = signed(scheme, sign)
    assert reason(scheme, signature, headers, b"of yesterday", key_of(scheme)) is None
    assert reason(scheme, signature, headers, key_of(scheme), b"of tomorrow") is None


@each_scheme
def test_another_secret_body_or_no_signature_is_refused(
    scheme: str, sign: Sign, signature: dict[str, Any], has_time: bool
) -> None:
    headers = signed(scheme, sign)
    assert reason(scheme, signature, signed(scheme, sign, b"guessed")) is Reason.WRONG_SIGNATURE
    other = FORM.replace(b"ann", b"bob") if scheme == "twilio" else BODY.replace(b"ann", b"bob")
    assert reason(scheme, signature, headers, body=other) is Reason.WRONG_SIGNATURE
    assert reason(scheme, signature, {}) is Reason.NO_SIGNATURE


@each_scheme
def test_a_signature_of_long_ago_or_of_the_future_is_refused_where_its_time_is_signed(
    scheme: str, sign: Sign, signature: dict[str, Any], has_time: bool
) -> None:
    now_s = NOW // 1000
    for seconds, is_stale in ((-300, False), (300, False), (-301, True), (301, True)):
        headers = signed(scheme, sign, at=str(now_s + seconds))
        wanted = Reason.STALE_SIGNATURE if is_stale and has_time else None
        assert reason(scheme, signature, headers) is wanted
    if has_time:
        headers = signed(scheme, sign, at=str(now_s - 900))
        assert reason(scheme, signature | {"tolerance_s": 900}, headers) is None


@pytest.mark.parametrize("at", ["", "soon", "-5", "1e9", "9" * 30, "\u0663" * 10])
def test_a_time_that_is_none_is_not_believed(at: str) -> None:
    headers = slack(BODY, SECRET, at)
    assert reason("slack", {}, headers) in (Reason.STALE_SIGNATURE, Reason.WRONG_SIGNATURE)


@pytest.mark.parametrize(
    "header",
    [
        "sha256=",
        "sha256",
        "sha1=abc",
        "\u00e4\u00f6\u00fc",
        "sha256=\u00e4",
        "," * 5_000,
        "sha256=" + "0" * 64,
        "SHA256=" + "0" * 64,
    ],
)
def test_whatever_stands_in_the_header_it_is_only_compared(header: str) -> None:
    found = reason("github", {}, {"x-hub-signature-256": header})
    assert found in (Reason.WRONG_SIGNATURE, Reason.NO_SIGNATURE)
    assert reason("stripe", {}, {"stripe-signature": header}) is Reason.NO_SIGNATURE


def test_of_many_signatures_only_so_many_are_tried() -> None:
    right = digest(f"{NOW_S}.".encode() + BODY).hex()
    many = ",".join(["v1=00"] * 50)
    assert (
        reason("stripe", {}, {"stripe-signature": f"t={NOW_S},{many},v1={right}"}) is Reason.WRONG_SIGNATURE
    )


def test_a_secret_of_the_standard_kind_that_is_no_base64_is_taken_as_it_is() -> None:
    signed = coded(f"msg-1.{NOW_S}.".encode() + BODY, key=b"no base64!")
    headers = {"webhook-id": "msg-1", "webhook-timestamp": NOW_S, "webhook-signature": f"v1,{signed}"}
    assert reason("standard", {}, headers, b"no base64!") is None


BASIC = base64.b64encode(b"tool:pass:word").decode()


@pytest.mark.parametrize(
    ("scheme", "signature", "headers", "query", "secret"),
    [
        ("basic", {}, {"authorization": f"Basic {BASIC}"}, "", b"tool:pass:word"),
        ("bearer", {}, {"authorization": "bearer  abc "}, "", b"abc"),
        ("header", {"header": "X-Token"}, {"x-token": "abc"}, "", b"abc"),
        ("query", {"parameter": "token"}, {}, "a=1&token=a%2Bc", b"a+c"),
    ],
)
def test_a_tool_that_cannot_sign_shows_a_token(
    scheme: str, signature: dict[str, Any], headers: Headers, query: str, secret: bytes
) -> None:
    document = webhook(scheme=scheme, signature=signature)

    def status(*secrets: bytes, sent: Headers = headers, asked: str = query) -> int:
        delivery = Delivery(method="POST", url=URL, headers=sent, query=asked, body=BODY)
        return accepted(delivery, document, *secrets).reply.status

    assert (status(secret), status(b"old", secret), status(b"other")) == (200, 200, 403)
    assert status(secret, sent={}, asked="") == 401
    assert status(secret, sent={"authorization": "Basic ?"}, asked="token=") == 401


def test_without_a_secret_nobody_is_believed_and_everybody_may_come_again() -> None:
    nothing = Ready(compile_webhook(webhook()), ())
    intake = accept_webhook(github(BODY, key=b""), nothing, now=NOW, ids=MessageIds(), limits=LIMITS)
    assert (intake.reply.status, intake.reply.reason) == (503, Reason.WEBHOOK_UNUSABLE)
    assert ("retry-after", "60") in intake.reply.headers
    assert (intake.events, intake.letters) == ([], [])


@pytest.mark.parametrize(
    ("scheme", "signature", "why"),
    [
        ("hmac", {}, "needs `header`"),
        ("header", {}, "needs `header`"),
        ("query", {}, "needs `parameter`"),
        (
            "hmac",
            {"header": "X", "signs": "{timestamp}", "timestamp_header": "T"},
            "neither {body} nor {form}",
        ),
        ("hmac", {"header": "X", "signs": "{timestamp}{body}"}, "`timestamp_header` go together"),
        ("hmac", {"header": "X", "timestamp_header": "T"}, "`timestamp_header` go together"),
        ("hmac", {"header": "X", "signs": "{id}{body}"}, "`id_header` go together"),
    ],
)
def test_a_signature_that_would_prove_nothing_is_refused_when_it_is_applied(
    scheme: str, signature: dict[str, Any], why: str
) -> None:
    with pytest.raises(BadWebhook, match="webhook hook: signature: ") as caught:
        compile_webhook(webhook(scheme=scheme, signature=signature))
    assert why in str(caught.value)
