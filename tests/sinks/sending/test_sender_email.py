"""An e-mail as it is sent: what stands in it, and that nothing a template says gets out of its place."""

from email import message_from_bytes, policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.actions.requests import EmailRequest
from sinks.sending.sender_email import RECIPIENTS_MAX, BadEmail, letter_of

FROM = "Shop <shop@shop.example>"
NOW_MS = 1_700_000_000_000


def read(request: EmailRequest, own_from: str = FROM):
    letter = letter_of(request, own_from, "f1", NOW_MS)
    return letter, message_from_bytes(letter.content, policy=policy.default)


def test_an_e_mail_has_its_headers_and_both_bodies() -> None:
    request = EmailRequest(
        to=["Ann M\u00fcller <ann@shop.example>"],
        subject="Your caf\u00e9\n",
        text="Hello \u20ac",
        html="<p>Hello</p>",
        reply_to="help@shop.example",
    )
    letter, message = read(request)
    assert letter.sender == "shop@shop.example"
    assert letter.recipients == ("ann@shop.example",)
    assert not letter.needs_utf8
    assert message["Message-ID"] == "<f1@shop.example>"
    assert message["Subject"] == "Your caf\u00e9"
    assert message["To"].addresses[0].display_name == "Ann M\u00fcller"
    assert message["Reply-To"] == "help@shop.example"
    assert message["Date"] == "Tue, 14 Nov 2023 22:13:20 +0000"
    assert message.get_body(("plain",)).get_content().strip() == "Hello \u20ac"
    assert message.get_body(("html",)).get_content().strip() == "<p>Hello</p>"


def test_the_same_firing_has_the_same_message_id() -> None:
    request = EmailRequest(to=["ann@shop.example"], subject="x", text="y")
    assert read(request)[1]["Message-ID"] == read(request)[1]["Message-ID"]


@pytest.mark.parametrize(
    ("text", "html", "kind"), [("a", "", "text/plain"), ("", "<p>", "text/html"), ("", "", "text/plain")]
)
def test_one_body_stands_alone(text: str, html: str, kind: str) -> None:
    _, message = read(EmailRequest(to=["ann@shop.example"], subject="x", text=text, html=html))
    assert message.get_content_type() == kind


@pytest.mark.parametrize(
    "address",
    ["", "ann", "ann@", "@shop.example", "a@b, c@d", "ann@shop.example\r\nBcc: x@y.example", "a@b\n", "<>", "a b@c", "a@b@c",
     "ann@shop.example>", "Ann <ann@shop.example> <b@c.example>", "group: a@b.example;", "a\x00@b.example", "<a@b.example"],
)  # fmt: skip
def test_what_is_not_one_address_is_refused(address: str) -> None:
    for request in (
        EmailRequest(to=[address], subject="x", text="y"),
        EmailRequest(to=["ann@shop.example", address], subject="x", text="y"),
    ):
        with pytest.raises(BadEmail):
            letter_of(request, FROM, "f1", NOW_MS)
    if address:  # without one the destination's own counts
        with pytest.raises(BadEmail):
            letter_of(
                EmailRequest(to=["ann@shop.example"], subject="x", reply_to=address), FROM, "f1", NOW_MS
            )
    with pytest.raises(BadEmail):
        letter_of(EmailRequest(to=["ann@shop.example"], subject="x"), address, "f1", NOW_MS)


def test_no_recipient_and_too_many_are_refused() -> None:
    for to in ([], ["ann@shop.example"] * (RECIPIENTS_MAX + 1)):
        with pytest.raises(BadEmail):
            letter_of(EmailRequest(to=to, subject="x"), FROM, "f1", NOW_MS)


def test_an_address_that_is_not_ascii_asks_for_a_server_that_takes_it() -> None:
    letter, _ = read(EmailRequest(to=["j\u00fcrgen@shop.example"], subject="x", text="y"))
    assert letter.needs_utf8


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=120), st.text(max_size=200), st.text(max_size=200))
def test_whatever_a_template_says_adds_no_header_and_no_recipient(subject: str, text: str, html: str) -> None:
    try:
        letter, message = read(EmailRequest(to=["ann@shop.example"], subject=subject, text=text, html=html))
    except BadEmail:
        return
    assert letter.recipients == ("ann@shop.example",)
    known = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"}
    assert set(message.keys()) - known <= {"Content-Type", "Content-Transfer-Encoding"}
    assert message["To"] == "ann@shop.example"
