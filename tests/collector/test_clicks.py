"""Links that count: what is told of a click, where it leads, and what is no click."""

import itertools
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.clicks import PARAMETERS_MAX, accept_click, as_page, read_link
from collector.exchange import Intake, Request
from collector.limits import Limits
from collector.privacy import Wishes
from collector.visitor import CookieRules, Visit
from schemas.events.pack import Connection
from schemas.events.reasons import Reason
from schemas.sources.sources import Privacy, Source, hash_write_key

NOW = 1_700_000_000_123
SHOP = Source(id="shop", write_key_hashes=[], redirect_domains=["shop.example"])
LIMITS = Limits(
    event_bytes_max=3_000,
    body_bytes_max=20_000,
    batch_events_max=10,
    shared_bytes_max=5_000,
    passes_address=True,
)
RULES = CookieRules(name="v", days=365, secure="auto")
TO = "to=https%3A%2F%2Fshop.example%2Fspring%3Fa%3D1%23top"


def followed(query: str, path: str = "/r/shop", source: Source = SHOP, **more: Any) -> Intake:
    fields: dict[str, Any] = {"method": "GET", "visit": Visit(rules=RULES)} | more
    ids = (f"new-{number}" for number in itertools.count())
    request = Request(path=path, query=query, **fields)
    return accept_click(request, now=NOW, ids=ids, sources={"shop": source}.get, limits=LIMITS)


def told(query: str, **more: Any) -> dict[str, Any]:
    (event,) = followed(query, **more).events
    found: dict[str, Any] = json.loads(event.payload)
    return found


def location(intake: Intake) -> str:
    assert intake.reply.status == 302
    return dict(intake.reply.headers)["location"]


def test_a_click_counts_from_whatever_page_it_comes() -> None:
    strict = msgspec.structs.replace(SHOP, allowed_origins=["https://shop.example"])
    intake = followed(TO, source=strict, origin="https://mail.example")
    assert (intake.reply.status, len(intake.events), intake.letters) == (302, 1, [])


def test_a_click_counts_when_a_key_that_is_spelt_like_the_source_has_ended() -> None:
    rotated = msgspec.structs.replace(SHOP, key_ends={hash_write_key("shop"): NOW})
    intake = followed(TO, source=rotated)
    assert (intake.reply.status, len(intake.events), intake.source) == (302, 1, rotated)


def test_a_click_is_an_event_on_the_page_that_it_leads_to() -> None:
    query = f"{TO}&name=Big+button&utm_source=mail&utm_campaign=spring%20sale&_c=token&sent=1700000000"
    intake = followed(query, referrer="https://mail.example/")
    (event,) = intake.events
    assert (event.type, event.source, event.received_at, event.message_id) == ("track", "shop", NOW, "new-1")
    assert json.loads(event.payload) == {
        "type": "track",
        "event": "Link Clicked",
        "anonymousId": "new-0",
        "properties": {
            "url": "https://shop.example/spring?a=1#top",
            "name": "Big button",
            "sent_at": "2023-11-14T22:13:20Z",
        },
        "context": {
            "page": {
                "url": "https://shop.example/spring?a=1&utm_source=mail&utm_campaign=spring%20sale&_c=token#top",
                "path": "/spring",
                "search": "?a=1&utm_source=mail&utm_campaign=spring%20sale&_c=token",
                "referrer": "https://mail.example/",
            },
            "campaign": {"source": "mail", "name": "spring sale"},
        },
    }


def test_parameters_stay_behind_unless_they_are_to_be_handed_on() -> None:
    others = "_c=token&utm_source=mail"
    assert location(followed(f"{TO}&{others}")) == "https://shop.example/spring?a=1#top"
    handed_on = location(followed(f"{TO}&{others}&pass=1&name=x&sent=1"))
    assert handed_on == f"https://shop.example/spring?a=1&{others}#top"


def test_a_visitor_is_who_the_cookie_says() -> None:
    assert told(TO, visit=Visit(rules=RULES, remembered="ann's browser"))["anonymousId"] == "ann's browser"
    assert told(TO, visit=None)["anonymousId"] == "new-0"


@pytest.mark.parametrize("more", [{"method": "HEAD"}, {"is_ahead": True}])
def test_who_looks_without_going_is_led_on_and_not_counted(more: dict[str, Any]) -> None:
    intake = followed(TO, **more)
    assert location(intake) == "https://shop.example/spring?a=1#top"
    assert (intake.events, intake.letters) == ([], [])


@pytest.mark.parametrize(
    ("query", "path", "status", "reason"),
    [
        ("", "/r/shop", 400, Reason.NO_TARGET),
        ("to=", "/r/shop", 400, Reason.NO_TARGET),
        ("to=//evil.example", "/r/shop", 400, Reason.NO_TARGET),
        ("to=javascript:alert(1)", "/r/shop", 400, Reason.NO_TARGET),
        ("to=https%3A%2F%2Fevil.example%2F", "/r/shop", 403, Reason.TARGET_NOT_ALLOWED),
        (TO, "/r/", 404, Reason.UNKNOWN_WRITE_KEY),
        (TO, "/r/other", 404, Reason.UNKNOWN_WRITE_KEY),
        (TO, "/r/shop/more", 404, Reason.UNKNOWN_WRITE_KEY),
    ],
)
def test_a_bad_link_is_a_page_that_says_why(query: str, path: str, status: int, reason: Reason) -> None:
    intake = followed(query, path)
    page = as_page(intake.reply)
    assert (page.status, page.reason, intake.events) == (status, reason, [])
    headers = dict(page.headers)
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert "location" not in headers
    assert len(page.body) > 40


def test_other_methods_are_refused() -> None:
    assert followed(TO, method="POST").reply.status == 405


def test_an_event_that_is_refused_leads_on_all_the_same() -> None:
    intake = followed(f"{TO}&utm_source={'x' * 3_000}")
    assert location(intake) == "https://shop.example/spring?a=1#top"
    assert [letter.reason for letter in intake.letters] == [Reason.EVENT_TOO_LARGE]


def test_who_wants_not_to_be_counted_is_led_on() -> None:
    intake = followed(
        TO, wishes=Wishes(optout=True), connection=Connection(address="192.0.2.1", is_browser=True)
    )
    assert location(intake) == "https://shop.example/spring?a=1#top"
    assert (intake.events, intake.dropped) == ([], {"optout": 1})


def test_a_visitor_without_cookies_has_the_name_of_the_day_and_gets_none() -> None:
    cookieless = msgspec.structs.replace(SHOP, privacy=Privacy(cookieless=True))
    connection = Connection(address="192.0.2.1", is_browser=True)
    intake = followed(TO, source=cookieless, wishes=Wishes(), connection=connection, salt=b"s" * 32)
    assert json.loads(intake.events[0].payload)["anonymousId"] != "new-0"
    assert intake.is_cookieless


@pytest.mark.parametrize("sent", ["", "x", "-1", "1e9", "99999999999", "\u0661", "9999999999"])
def test_a_time_that_is_none_is_left_out(sent: str) -> None:
    assert "sent_at" not in told(f"{TO}&sent={sent}")["properties"]


def test_the_first_of_two_targets_counts() -> None:
    assert location(followed(f"{TO}&to=https%3A%2F%2Fevil.example")) == "https://shop.example/spring?a=1#top"


def test_no_more_parameters_are_read_than_a_link_may_have() -> None:
    assert len(read_link("&".join(["a=1"] * 500)).others) == PARAMETERS_MAX


@given(st.text(st.characters(codec="utf-8"), max_size=60), st.text(st.characters(codec="utf-8"), max_size=20))
def test_any_query_gives_a_reply_and_an_event_that_can_be_read(query: str, name: str) -> None:
    for asked in (query, f"{TO}&{query}", f"{query}&{TO}&pass=1"):
        intake = followed(asked, path=f"/r/{name}" if not query else "/r/shop")
        assert as_page(intake.reply).status in (302, 400, 403, 404)
        for event in intake.events:
            assert json.loads(event.payload)["event"] == "Link Clicked"
        for header, value in intake.reply.headers:
            assert value.isascii(), header
            assert not set(value) & set("\r\n")
