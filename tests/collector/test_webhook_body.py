"""A webhook's bodies in all their forms, what of a request a mapping may see, and the questions that senders ask first."""

from typing import Any

import msgspec
import pytest

from collector.webhooks.webhook import CHALLENGE_CHARS_MAX
from collector.webhooks.webhook_body import Delivery
from schemas.events.reasons import Reason
from tests.collector.webhooks import NOW, SECRET, URL, accepted, calls, digest, github, webhook


@pytest.mark.parametrize(
    ("sent", "content_type", "seen"),
    [
        (b"a=1&a=2&b=&data%5Bmail%5D=x&data%5Bm%5D%5BN%5D=y", "application/x-www-form-urlencoded",
         {"a": ["1", "2"], "b": "", "data": {"mail": "x", "m": {"N": "y"}}}),
        (b"data=1&data[x]=2&l[]=3&l[]=4&q]=5", "Application/X-WWW-Form-Urlencoded; charset=utf-8",
         {"data": "1", "l": {"": ["3", "4"]}, "q]": "5"}),
        (b"payload=%7B%22k%22%3A1%7D", "application/x-www-form-urlencoded", {"k": 1}),
        (b'{"k": 1}', "application/x-www-form-urlencoded", {"k": 1}),
        (b'{"k": 1}', "text/plain", {"k": 1}),
        (b'\xef\xbb\xbf{"k": "\\ud83d"}', "", {"k": "\ufffd"}),
        (b"[1]", "", [1]),
    ],
)  # fmt: skip
def test_json_and_forms_are_read(sent: bytes, content_type: str, seen: Any) -> None:
    entry = {
        "type": "track",
        "event": "E",
        "userId": "u",
        "messageId": "=body_hash",
        "properties": {"seen": "=body"},
    }
    [call] = calls(accepted(github(sent, {"content-type": content_type}), webhook(entry)))
    assert call["properties"] == {"seen": seen}


@pytest.mark.parametrize(
    ("sent", "headers", "status", "reason"),
    [
        (b"{", {}, 400, Reason.INVALID_JSON),
        (b'{"a": "\xff"}', {}, 400, Reason.INVALID_JSON),
        (b"[" * 5_000, {}, 400, Reason.INVALID_JSON),
        (b"a=\xff", {"content-type": "application/x-www-form-urlencoded"}, 400, Reason.INVALID_JSON),
        (
            b"&".join([b"a=1"] * 1_001),
            {"content-type": "application/x-www-form-urlencoded"},
            400,
            Reason.INVALID_JSON,
        ),
        (b"{}", {"content-encoding": "br"}, 400, Reason.BAD_ENCODING),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_and_kept(
    sent: bytes, headers: dict[str, str], status: int, reason: Reason
) -> None:
    intake = accepted(github(sent, headers), webhook())
    assert (intake.reply.status, intake.reply.reason, intake.events) == (status, reason, [])
    assert [letter.reason for letter in intake.letters] == [reason]


def test_what_proves_the_sender_is_out_of_the_mapping_s_reach() -> None:
    entry = {
        "type": "track", "event": "E", "userId": "u", "messageId": "=body_hash", "properties": {"h": "=headers", "q": "=query"},
    }  # fmt: skip
    secret = {"authorization": "Bearer abc", "cookie": "c=1", "x-other": "seen"}
    [call] = calls(accepted(github(b"{}", secret), webhook(entry)))
    assert call["properties"] == {"h": {"x_other": "seen"}, "q": {}}
    shown = Delivery(method="POST", url=URL, query="token=abc&b=2", headers={"x-other": "seen"}, body=b"{}")
    document = webhook(entry, scheme="query", signature={"parameter": "token"})
    [call] = calls(accepted(shown, document, b"abc"))
    assert call["properties"] == {"h": {"x_other": "seen"}, "q": {"b": "2"}}


def get(
    query: str, document: Any, *secrets: bytes, tokens: tuple[bytes, ...] = (), method: str = "GET"
) -> Any:
    return accepted(Delivery(method=method, url=URL, query=query), document, *secrets, tokens=tokens).reply


def test_meta_s_question_is_answered_with_its_word_only_when_it_shows_the_token() -> None:
    meta = webhook(scheme="meta", challenge={"verify_token": "env:TOKEN"})
    asked = "hub.mode=subscribe&hub.challenge=11%3Cb%3E&hub.verify_token=abc"
    reply = get(asked, meta, tokens=(b"abc",))
    assert (reply.status, reply.body) == (200, b"11<b>")
    assert ("x-content-type-options", "nosniff") in reply.headers
    assert get(asked, meta, tokens=(b"other",)).reason is Reason.WRONG_SIGNATURE
    assert get(asked, meta).reason is Reason.WRONG_SIGNATURE
    assert get("hub.verify_token=abc", meta, tokens=(b"abc",)).status == 405
    long = "1" * (CHALLENGE_CHARS_MAX + 1)
    assert get(f"hub.challenge={long}&hub.verify_token=abc", meta, tokens=(b"abc",)).status == 405


def test_a_tool_that_looks_whether_the_address_is_there_finds_it_with_its_token() -> None:
    mailchimp = webhook(scheme="query", signature={"parameter": "token"})
    assert get("token=abc", mailchimp, b"abc").status == 200
    assert get("token=abc", mailchimp, b"abc", method="HEAD").status == 200
    assert get("token=other", mailchimp, b"abc").status == 405
    assert get("", webhook()).status == 405
    assert get("", webhook(), method="DELETE").status == 405


def slack(body: bytes, scheme: str = "slack", header: str = "slack", key: bytes = SECRET) -> Any:
    at = str(NOW // 1000)
    name = "x-slack-signature" if header == "slack" else "x-zm-signature"
    signed = digest(f"v0:{at}:".encode() + body, key=key).hex()
    headers = {name: f"v0={signed}", name.replace("signature", "request-timestamp"): at}
    return accepted(Delivery(method="POST", url=URL, headers=headers, body=body), webhook(scheme=scheme))


def test_slack_s_and_zoom_s_signed_questions_are_answered() -> None:
    asked = b'{"type":"url_verification","challenge":"abc"}'
    assert msgspec.json.decode(slack(asked).reply.body) == {"challenge": "abc"}
    assert slack(asked, key=b"guessed").reply.status == 403
    question = b'{"event":"endpoint.url_validation","payload":{"plainToken":"abc"}}'
    answer = slack(question, "zoom", "zoom")
    assert msgspec.json.decode(answer.reply.body) == {
        "plainToken": "abc",
        "encryptedToken": digest(b"abc").hex(),
    }
    assert (answer.events, answer.letters) == ([], [])
    assert slack(b'{"event":"endpoint.url_validation","payload":7}', "zoom", "zoom").letters
