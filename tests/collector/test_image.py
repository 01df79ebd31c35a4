"""A call as an image's address: what is kept of it, and that the answer is the image whatever happens."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.exchange import Intake, Request
from collector.image import GIF, accept_image, image_reply
from collector.paths import IMAGES
from collector.replies import try_later
from schemas.events.reasons import Reason
from schemas.wire.codec import decode
from tests.collector.test_intake import LIMITS, NOW, SHOP, basic, ids

CALL = {"writeKey": "good", "userId": "u", "event": "Opened ?>?>~~~", "messageId": "m"}


def show(query: str, path: str = "/v1/pixel/track", method: str = "GET", authorization: str = "") -> Intake:
    request = Request(method=method, path=path, query=query, authorization=authorization)
    return accept_image(request, now=NOW, ids=ids(), sources={"good": SHOP}.get, limits=LIMITS)


def data(document: object, encode: Any = base64.b64encode) -> str:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return str(encode(raw).decode())


STANDARD, URL_SAFE = data(CALL), data(CALL, base64.urlsafe_b64encode)
assert "+" in STANDARD
assert STANDARD.endswith("=")


@pytest.mark.parametrize(
    "text",
    [
        STANDARD,
        STANDARD.rstrip("="),
        quote(STANDARD),
        URL_SAFE,
        URL_SAFE.rstrip("="),
        quote(URL_SAFE),
        URL_SAFE + "%20",
    ],
)
def test_every_way_to_write_base64_is_read(text: str) -> None:
    intake = show(f"x=1&data={text}")
    (event,) = intake.events
    assert (event.type, event.message_id, json.loads(event.payload)) == ("track", "m", CALL)
    assert (intake.reply.status, intake.reply.body) == (200, GIF)
    assert dict(intake.reply.headers) == {"content-type": "image/gif", "cache-control": "no-store, private"}


@pytest.mark.parametrize("kind", ["identify", "track", "page", "screen", "group", "alias"])
def test_every_call_has_an_image(kind: str) -> None:
    query = f"data={data({'userId': 'u'})}&writeKey=good"
    for path in (f"/v1/pixel/{kind}", f"/v1/pixel/{kind}/", f"/v1/pixel/{kind[0]}"):
        (event,) = show(query, path).events
        assert event.type == kind


def test_the_gif_is_one_transparent_pixel() -> None:
    assert (GIF[:6], int.from_bytes(GIF[6:8], "little"), int.from_bytes(GIF[8:10], "little")) == (
        b"GIF89a",
        1,
        1,
    )
    assert (len(GIF), GIF[-1:]) == (43, b";")


BAD = [
    # query -> status, code, reasons of dead letters; all with a key that is known
    ("data=!!!", 200, "bad_encoding", ["bad_encoding"]),
    ("data=abcde", 200, "bad_encoding", ["bad_encoding"]),
    ("data=%FF%00", 200, "bad_encoding", ["bad_encoding"]),
    (f"data={data(b'{')}", 200, "invalid_json", ["invalid_json"]),
    (f"data={data(['x'])}", 200, "wrong_type", ["wrong_type"]),
    (f"data={data({'type': 'x'})}", 200, "unknown_type", ["unknown_type"]),
    (f"data={data({'p': 'x' * 3_000})}", 200, "event_too_large", ["event_too_large"]),
    (f"data={data(b' ' * 20_001)}", 413, "body_too_large", []),
    ("", 400, "invalid_json", []),
    ("data=", 400, "invalid_json", []),
]  # fmt: skip


@pytest.mark.parametrize(("query", "status", "code", "letters"), BAD)
def test_bad_data_is_kept_and_still_an_image(query: str, status: int, code: str, letters: list[str]) -> None:
    intake = show(query, authorization=basic("good"))
    assert (intake.reply.status, intake.reply.body) == (status, GIF)
    assert dict(intake.reply.headers)["x-error"].startswith(f"{code}: ")
    assert [letter.reason.value for letter in intake.letters] == letters
    assert not intake.events


def test_the_letter_of_what_is_no_base64_holds_it_as_sent() -> None:
    (letter,) = show("data=no+base64%21&writeKey=good").letters
    assert decode(letter.value)["payload"] == b"no base64!"


@pytest.mark.parametrize(
    ("query", "method", "status", "code"),
    [
        (f"data={data({'userId': 'u'})}", "GET", 401, "no_write_key"),
        (f"data={data({'writeKey': 'bad'})}", "GET", 401, "unknown_write_key"),
        ("data=!!!&writeKey=bad", "GET", 401, "unknown_write_key"),
        ("data=!!!", "GET", 400, "bad_encoding"),
        (f"data={STANDARD}", "POST", 405, "method_not_allowed"),
        (f"data={STANDARD}", "HEAD", 405, "method_not_allowed"),
        ("&".join(f"a{n}=1" for n in range(200)) + f"&data={STANDARD}", "GET", 401, "no_write_key"),
    ],
)
def test_what_is_not_kept_has_its_status_and_is_an_image(
    query: str, method: str, status: int, code: str
) -> None:
    intake = show(query, method=method)
    assert (intake.reply.status, intake.reply.body) == (status, GIF)
    assert dict(intake.reply.headers)["x-error"].startswith(f"{code}: ")
    assert not intake.events
    assert not intake.letters


def test_come_back_later_is_an_image_too() -> None:
    reply = image_reply(try_later(Reason.OVERLOADED, "full", 7))
    assert (reply.status, reply.body, dict(reply.headers)["retry-after"]) == (503, GIF, "7")


@given(
    path=st.sampled_from(sorted(IMAGES)),
    query=st.text() | st.binary().map(lambda raw: f"data={data(raw)}&writeKey=good"),
)
def test_any_address_gives_the_image(path: str, query: str) -> None:
    intake = show(query, path)
    assert intake.reply.body is GIF
    assert intake.reply.status in {200, 400, 401, 413}
    assert (intake.reply.status == 200) == bool(intake.events or intake.letters)
