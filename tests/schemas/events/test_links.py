"""The token of a signed link: its form, and that nothing passes for one that is not."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events.links import (
    CONTACT_ID,
    DAY_MAX,
    DAY_MS,
    EMAIL_HASH,
    TOKEN_CHARS_MAX,
    Claim,
    LinkKey,
    SignedLink,
    UnusableClaim,
    open_token,
    sign,
)
from schemas.events.remarks import Remark

KEY = LinkKey("2026", b"k" * 32)
OTHER = LinkKey("2025", b"o" * 32)
CONTACT = Claim(CONTACT_ID, "4711")
EMAIL = Claim(EMAIL_HASH, hashlib.sha256(b"ann@x.io").hexdigest())
DAY = 20_000

contacts = st.text(min_size=1, max_size=60).filter(lambda value: value == value.strip() and _encodes(value))
claims = st.builds(Claim, st.just(CONTACT_ID), contacts) | st.builds(
    Claim, st.just(EMAIL_HASH), st.binary(min_size=32, max_size=32).map(bytes.hex)
)
keys = st.builds(LinkKey, st.just("k"), st.binary(min_size=32, max_size=64))
workspaces = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,10}", fullmatch=True)
days = st.integers(0, DAY_MAX)


def _encodes(value: str) -> bool:
    try:
        return bool(value.encode())
    except UnicodeEncodeError:
        return False


def bare(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def content_of(token: str) -> bytes:
    return urlsafe_b64decode(token + "=" * (-len(token) % 4))


def test_a_token_is_what_its_description_says() -> None:
    body = b"\x01" + DAY.to_bytes(2, "big") + b"4711"
    mac = hmac.new(KEY.secret, b"stitchline link\x00main\x00" + body, hashlib.sha256).digest()[:16]
    assert sign(CONTACT, "main", KEY, DAY) == bare(body + mac)
    body = b"\x02" + DAY.to_bytes(2, "big") + hashlib.sha256(b"ann@x.io").digest()
    mac = hmac.new(KEY.secret, b"stitchline link\x00main\x00" + body, hashlib.sha256).digest()[:16]
    assert sign(EMAIL, "main", KEY, DAY) == bare(body + mac)


def test_tokens_are_short() -> None:
    assert len(sign(CONTACT, "main", KEY, DAY)) == 31
    assert len(sign(EMAIL, "main", KEY, DAY)) == 68


@given(claims, workspaces, st.lists(keys, min_size=1, max_size=4, unique_by=lambda key: key.secret), days)
@settings(max_examples=50, deadline=None)
def test_a_token_comes_back_with_any_of_the_keys_that_are_valid(claim, workspace, several, day):
    token = sign(claim, workspace, several[-1], day)
    link = open_token(token, workspace, several)
    assert isinstance(link, SignedLink)
    assert (link.claim, link.last_day) == (claim, day)
    assert link.is_valid_at((day + 1) * DAY_MS - 1)
    assert not link.is_valid_at((day + 1) * DAY_MS)


@given(claims, workspaces, workspaces, keys, keys, days)
@settings(max_examples=50, deadline=None)
def test_a_token_counts_in_its_workspace_and_with_its_key_alone(claim, workspace, other, key, another, day):
    token = sign(claim, workspace, key, day)
    assert open_token(token, workspace, []) == Remark.LINK_REFUSED
    if other != workspace:
        assert open_token(token, other, [key]) == Remark.LINK_REFUSED
    if another.secret.rstrip(b"\0") != key.secret.rstrip(b"\0"):  # HMAC itself pads a short key with zeros
        assert open_token(token, workspace, [another]) == Remark.LINK_REFUSED


@pytest.mark.parametrize("claim", [CONTACT, EMAIL], ids=["contact", "e-mail"])
def test_a_token_with_any_bit_changed_is_refused(claim: Claim) -> None:
    content = content_of(sign(claim, "main", KEY, DAY))
    for place in range(8 * len(content)):
        changed = bytearray(content)
        changed[place // 8] ^= 1 << place % 8
        assert isinstance(open_token(bare(bytes(changed)), "main", [KEY, OTHER]), Remark)


def test_no_second_text_passes_for_the_same_token() -> None:
    token = sign(CONTACT, "main", KEY, DAY)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/. %"
    for place in range(len(token)):
        for character in alphabet.replace(token[place], ""):
            changed = token[:place] + character + token[place + 1 :]
            assert isinstance(open_token(changed, "main", [KEY]), Remark), changed
    for other in (token + "=", token + "A", token[:-1], token + "\n", f" {token}", token.lower()):
        assert isinstance(open_token(other, "main", [KEY]), Remark)


@given(st.text(max_size=80) | st.from_regex(r"[A-Za-z0-9_-]{0,90}", fullmatch=True))
@settings(max_examples=200, deadline=None)
def test_any_text_is_opened_without_an_error_and_is_no_token(token):
    assert open_token(token, "main", [KEY]) in (Remark.LINK_MALFORMED, Remark.LINK_REFUSED)


def test_a_text_without_end_is_not_even_decoded() -> None:
    assert open_token("A" * (TOKEN_CHARS_MAX + 1), "main", [KEY]) == Remark.LINK_MALFORMED


@pytest.mark.parametrize(
    ("claim", "day"),
    [
        (Claim(CONTACT_ID, ""), DAY),
        (Claim(CONTACT_ID, " 7"), DAY),
        (Claim(CONTACT_ID, "7" * TOKEN_CHARS_MAX), DAY),
        (Claim(EMAIL_HASH, "ann@x.io"), DAY),
        (Claim(EMAIL_HASH, "00"), DAY),
        (CONTACT, -1),
        (CONTACT, DAY_MAX + 1),
    ],
)
def test_what_no_token_can_hold_is_said(claim: Claim, day: int) -> None:
    with pytest.raises(UnusableClaim):
        sign(claim, "main", KEY, day)


def test_a_key_never_shows_its_secret() -> None:
    shown = [repr(KEY), str(KEY), f"{KEY}", f"{[KEY]}", str(KEY.__rich_repr__())]
    assert all("2026" in text and "kkk" not in text for text in shown)
    assert msgspec.structs.replace(KEY, id="x").secret == KEY.secret
