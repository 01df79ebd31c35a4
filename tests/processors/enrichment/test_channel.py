"""The channel: what brought a visitor, as one event says it."""

import json
import string
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.enrichment.channel import (
    ADDRESS_CHARS_MAX,
    CLICK_ID_CHARS_MAX,
    TEXT_CHARS_MAX,
    Channels,
    kept_channels,
)
from processors.events.parsed import ParsedEvent, parse
from schemas.events.channel_lists import kept_lists, read_lists
from schemas.wire.stamps import NO_TOUCH, Touch
from tests.processors.arrivals import rows
from tests.processors.driver import packed

SHOP = "https://shop.example/"
KINDS = [
    *("search", "social", "mail", "video", "shopping", "ai", "site", "push", "sms", "affiliate", "display"),
    "audio",
]


def touch_of(call: dict[str, Any], channels: Channels | None = None) -> Touch:
    event = parse(packed({"messageId": "m", "anonymousId": "d", **call}))
    assert isinstance(event, ParsedEvent), event
    return (channels or kept_channels()).touch(event)


def on_page(url: object, referrer: object = "", channels: Channels | None = None, **context: Any) -> Touch:
    page = {"url": url, "referrer": referrer}
    return touch_of({"type": "page", "context": {"page": page, **context}}, channels)


def told(touch: Touch) -> str:
    """As the table has it."""
    if touch is NO_TOUCH:
        return "-"
    first = ("channel", "source", "medium")
    rest = [
        f"{name}={value}"
        for name, value in msgspec.structs.asdict(touch).items()
        if value and name not in first
    ]
    return " ".join([touch.channel, touch.source, touch.medium, *rest]).strip()


@pytest.mark.parametrize(("url", "referrer", "campaign", "expected"), rows())
def test_an_arrival_is_told_as_the_table_has_it(url: str, referrer: str, campaign: str, expected: str):
    context = {"campaign": json.loads(campaign)} if campaign else {}
    assert told(on_page(url, referrer, **context)) == expected


def test_the_table_has_many_rows_and_all_channels():
    found = rows()
    named = {rule.channel for rule in kept_lists().rules}
    assert len(found) >= 120
    assert named - {row[3].split(" ")[0] for row in found} == set()


def test_a_views_properties_say_what_its_context_does_not():
    properties = {"url": SHOP + "?utm_source=google&utm_medium=cpc", "referrer": "https://www.google.com/"}
    expected = "paid_search google cpc referrer=www.google.com"
    assert told(touch_of({"type": "page", "properties": properties})) == expected
    assert touch_of({"type": "track", "event": "x", "properties": properties}) is NO_TOUCH


def test_the_search_counts_where_the_address_has_no_query():
    page = {"url": SHOP, "search": "?utm_source=google&utm_medium=cpc"}
    assert told(touch_of({"type": "page", "context": {"page": page}})) == "paid_search google cpc"
    assert (
        told(touch_of({"type": "track", "event": "x", "context": {"page": page}})) == "paid_search google cpc"
    )


def test_an_app_may_say_its_referrer_in_its_context():
    referrer = {"type": "app", "url": "android-app://com.google.android.gm/"}
    assert (
        told(touch_of({"type": "screen", "context": {"referrer": referrer}}))
        == "email gmail email referrer=com.google.android.gm"
    )


def test_a_signed_link_is_a_click_in_an_e_mail_unless_something_else_is_known():
    link = SHOP + "?_c=a.b.c"
    assert told(on_page(link)) == "email email email"
    assert told(on_page(link, "https://www.facebook.com/")).startswith("organic_social facebook")
    assert told(on_page(link + "&utm_medium=sms")) == "sms  sms"
    assert on_page(SHOP + "?contact_id=7") is NO_TOUCH


def test_own_domains_and_own_lists_count_before_the_kept_ones():
    own = Channels(
        read_lists(b"""
own_domains: [shop.example, brand.example]
sources: {mail: {partner letter: [letters.example]}, site: {google: [google.*]}, team: {us: [us]}}
clicks: {XCLID: {source: xads, medium: cpc}}
parameters: {source: [from]}
passages: {payment: [bank.example]}
rules: [{channel: team, kind: [team]}, {channel: paid_x, source: [xads]}]
""")
    )
    assert on_page("https://www.shop.example/", "https://go.brand.example/a", own) is NO_TOUCH
    assert on_page(SHOP, "https://pay.bank.example/a", own) is NO_TOUCH
    assert told(on_page(SHOP, "https://letters.example/", own)).startswith("email partner letter email")
    assert told(on_page(SHOP, "https://www.google.com/", own)).startswith("referral google referral")
    assert told(on_page(SHOP + "?from=us", "", own)) == "team us"
    assert told(on_page(SHOP + "?xclid=1", "", own)) == "paid_x xads cpc click_kind=xclid click_id=1"
    assert told(on_page(SHOP, "https://www.bing.com/", own)).startswith("organic_search bing")


def test_a_list_with_a_word_that_means_nothing_is_refused():
    with pytest.raises(msgspec.ValidationError, match="sauces"):
        read_lists(b"sauces: {}")


def test_nothing_is_listed_twice_and_kinds_are_known():
    lists = kept_lists()
    names = [
        name.lower() for sources in lists.sources.values() for names in sources.values() for name in names
    ]
    names += [name for hosts in lists.passages.values() for name in hosts]
    assert sorted(names) == sorted(set(names))
    assert list(lists.sources) == KINDS
    assert {kind for rule in lists.rules for kind in rule.kind} <= set(KINDS)


def test_what_is_kept_is_bounded():
    long = "x" * 5_000
    touch = on_page(f"{SHOP}?utm_source=flyer&utm_medium={long}&utm_campaign={long}")
    assert len(touch.medium) == TEXT_CHARS_MAX
    held = on_page(f"{SHOP}?gclid={'x' * CLICK_ID_CHARS_MAX}")
    assert held.click_id == "x" * CLICK_ID_CHARS_MAX
    dropped = on_page(f"{SHOP}?gclid={'x' * (CLICK_ID_CHARS_MAX + 1)}")
    assert (dropped.channel, dropped.click_kind, dropped.click_id) == ("paid_search", "gclid", "")
    assert on_page(SHOP + "?" + "a=1&" * ADDRESS_CHARS_MAX + "utm_source=x") is NO_TOUCH
    assert on_page(SHOP, "https://" + "a" * 100_000 + ".example/") is NO_TOUCH


def test_what_a_mail_tool_writes_into_a_link_is_not_kept():
    touch = on_page(SHOP + "?mc_eid=person&_kx=person")
    assert "person" not in str(touch)


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(string.ascii_letters, max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
ADDRESSES = st.text(max_size=60) | st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["https://", "http://", "android-app://", "//", "https://a@", "https://["]),
    st.text(max_size=20)
    | st.sampled_from(["shop.example", "www.google.com", "a..b", "xn--", "1.2.3.4", "co.uk"]),
    st.sampled_from(["", "/", "?", "#", ":x/", "/?utm_source=", "?gclid=", "?%", "/#?&=&utm_medium="]),
    st.text(max_size=30),
)


@settings(max_examples=200)
@given(page=ANY_JSON, campaign=ANY_JSON, referrer=ANY_JSON, properties=ANY_JSON)
def test_any_context_gives_a_touch(page: Any, campaign: Any, referrer: Any, properties: Any):
    context = {"page": page, "campaign": campaign, "referrer": referrer}
    assert isinstance(touch_of({"type": "page", "context": context, "properties": properties}), Touch)


@settings(max_examples=300)
@given(url=ADDRESSES, referrer=ADDRESSES, said=st.text(max_size=300))
def test_any_address_gives_a_touch_of_bounded_texts(url: str, referrer: str, said: str):
    touch = on_page(url, referrer, campaign={"source": said, "name": said})
    texts = list(msgspec.structs.astuple(touch))
    assert all(isinstance(value, str) and len(value) <= CLICK_ID_CHARS_MAX for value in texts)
    assert bool(touch.channel) == (touch is not NO_TOUCH)
    assert touch == on_page(url, referrer, campaign={"source": said, "name": said})
