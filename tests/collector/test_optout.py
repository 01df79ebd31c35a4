"""`/v1/optout`: what it shows, and the cookie that it sets and takes away."""

import json
from typing import Any

import pytest

from collector.asked import Asked
from collector.optout import OptOut
from collector.privacy import is_opted_out
from collector.replies import Reply
from collector.visitor import CookieRules
from schemas.control import ControlState

RULES = CookieRules(name="v", days=365, secure="auto", optout_name="out")
PAGE = "text/html,application/xhtml+xml"


def reply(method: str = "GET", query: str = "", rules: CookieRules = RULES, **more: Any) -> Reply:
    asked = Asked(method=method, path="/v1/optout", query=query, **more)
    return OptOut(rules).tell(asked, ControlState())[0]


def cookies(of: Reply) -> list[str]:
    return [value for name, value in of.headers if name == "set-cookie"]


@pytest.mark.parametrize(("cookie", "out"), [("", False), ("v=1; out=1", True), ("out=0", False)])
def test_what_holds_is_shown_as_a_page_or_as_json(cookie: str, out: bool) -> None:
    assert json.loads(reply(cookies=cookie).body) == {"success": True, "optout": out}
    page = reply(cookies=cookie, accepted=PAGE)
    assert dict(page.headers)["content-type"].startswith("text/html")
    assert (f'action="?out={0 if out else 1}"' in page.body.decode(), cookies(page)) == (True, [])


def test_opting_out_sets_one_cookie_and_takes_the_visitors_away() -> None:
    changed = reply("POST", "out=1", protocol="http")
    assert json.loads(changed.body) == {"success": True, "optout": True}
    assert cookies(changed) == [
        "out=1; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax",
        "v=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
    ]
    assert is_opted_out(cookies(changed)[0].partition(";")[0], "out")


def test_by_https_the_cookie_is_sent_from_every_site() -> None:
    assert cookies(reply("POST", "out=1"))[0].endswith("; SameSite=None; Secure")


def test_taking_it_back_takes_the_cookie_away() -> None:
    assert cookies(reply("POST", "out=0", protocol="http", accepted=PAGE)) == [
        "out=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
    ]


@pytest.mark.parametrize("query", ["", "out=2", "out=", "x=1", "&".join(["out=1"] * 20)])
def test_what_is_neither_yes_nor_no_changes_nothing(query: str) -> None:
    refused = reply("POST", query)
    assert (refused.status, cookies(refused)) == (400, [])


def test_a_foreign_sites_page_changes_nothing() -> None:
    for query in ("out=1", "out=0"):
        refused = reply("POST", query, from_where="cross-site")
        assert (refused.status, cookies(refused)) == (400, [])
    assert reply("POST", "out=1", from_where="same-site").status == 200


def test_other_methods_and_a_deployment_without_the_cookie_are_told_so() -> None:
    assert reply("DELETE").status == 405
    without = CookieRules(name="v", days=1, secure="auto")
    assert reply("POST", "out=1", rules=without).status == 405
    assert json.loads(reply(rules=without, cookies="=1").body)["optout"] is False
