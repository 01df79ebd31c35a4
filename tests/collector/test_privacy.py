"""Every combination of what a browser asks for and what the source says: what becomes of the request and of each event."""

from itertools import product
from typing import Any, get_args

import pytest

from collector.privacy import Dropped, Wishes, consent_of, fate_of, is_opted_out, treatment, wishes_of
from schemas.sources.sources import ConsentRules, Privacy, Signal, Source

YES_NO = (False, True)
SIGNALS = get_args(Signal)
STRENGTH = ["full", "truncated", "none"]
KEPT = {"keep": "full", "truncate": "truncated", "drop": "none"}


def source(**rules: Any) -> Source:
    return Source(id="shop", write_key_hashes=[], privacy=Privacy(**rules))


@pytest.mark.parametrize(("gpc", "dnt"), list(product(SIGNALS, SIGNALS)))
def test_the_strongest_wish_decides(gpc: Signal, dnt: Signal) -> None:
    for has_gpc, has_dnt, out, asks, always, address, is_browser in product(
        YES_NO, YES_NO, YES_NO, YES_NO, YES_NO, KEPT, YES_NO
    ):
        wishes = Wishes(gpc=has_gpc, dnt=has_dnt, optout=out, cookieless=asks)
        rules = source(gpc=gpc, dnt=dnt, cookieless=always, address=address)
        treated = treatment(rules, wishes, is_browser)
        assert treated is not None
        wanted = [gpc if has_gpc else "", dnt if has_dnt else "", "cookieless" if asks or always else ""]
        if not is_browser:
            wanted, out = [], False
        assert (treated.drop is not None) == (out or "drop" in wanted)
        assert treated.is_cookieless == ("cookieless" in wanted)
        least = max(KEPT[address], "truncated" if treated.is_cookieless else "full", key=STRENGTH.index)
        assert treated.kept == least
        assert treated.signals == tuple(
            name
            for name, is_there in (
                ("gpc", has_gpc and is_browser),
                ("dnt", has_dnt and is_browser),
                ("cookieless", treated.is_cookieless),
            )
            if is_there
        )


@pytest.mark.parametrize(
    ("wishes", "reason"),
    [
        (Wishes(optout=True, gpc=True, dnt=True), Dropped.OPTOUT),
        (Wishes(gpc=True, dnt=True), Dropped.GPC),
        (Wishes(dnt=True), Dropped.DNT),
        (Wishes(cookieless=True), None),
    ],
)
def test_a_dropped_event_has_one_reason(wishes: Wishes, reason: Dropped | None) -> None:
    treated = treatment(source(gpc="drop", dnt="drop"), wishes, True)
    assert treated is not None
    assert treated.drop is reason


def test_nothing_is_done_where_nothing_is_asked_for() -> None:
    assert treatment(source(), None, True) is None
    assert treatment(source(address="drop"), None, False) is not None
    assert treatment(source(cookieless=True), None, True) is not None


@pytest.mark.parametrize(
    ("headers", "query", "wishes"),
    [
        ({}, "", None),
        ({"sec-gpc": "0", "dnt": "0", "cookie": "out=0"}, "writeKey=k", None),
        ({"cookie": "xout=1; out=11; out"}, "cookieless=0&xcookieless=1", None),
        ({"sec-gpc": "1"}, "", Wishes(gpc=True)),
        ({"dnt": "1"}, "", Wishes(dnt=True)),
        ({"cookie": "id=7; out=1"}, "", Wishes(optout=True)),
        ({}, "writeKey=k&cookieless=1", Wishes(cookieless=True)),
    ],
)
def test_a_wish_is_read_from_exactly_what_says_it(
    headers: dict[str, str], query: str, wishes: Wishes | None
) -> None:
    assert wishes_of(headers, query, "out") == wishes


def test_without_a_name_of_the_cookie_nobody_is_opted_out() -> None:
    assert not is_opted_out("=1; out=1", "")
    assert is_opted_out("out=1", "out")


RULES = {
    (before, denied): ConsentRules(
        categories=["analytics", "ads"], needed="analytics", before=before, denied=denied
    )
    for before in ("wait", "cookieless", "send")
    for denied in ("drop", "cookieless")
}
SAID = [
    ({}, "pending"),
    ({"analytics": True}, "granted"),
    ({"analytics": True, "ads": False}, "granted"),
    ({"analytics": False, "ads": True}, "denied"),
    ({"ads": True}, "denied"),
    ({"analytics": "true"}, "denied"),
    ({"analytics": 1}, "denied"),
]


@pytest.mark.parametrize(("preferences", "state"), SAID)
def test_only_a_plain_yes_to_the_needed_category_is_a_consent(
    preferences: dict[str, Any], state: str
) -> None:
    assert {consent_of(rules, preferences) for rules in RULES.values()} == {state}


@pytest.mark.parametrize(("before", "denied"), sorted(RULES))
def test_an_event_is_kept_as_its_visitor_allowed(before: str, denied: str) -> None:
    rules = RULES[before, denied]
    assert fate_of(rules, "granted", True) == fate_of(rules, "granted", False) == "keep"
    assert fate_of(rules, "denied", True) == denied
    assert fate_of(rules, "denied", False) == ("drop" if denied == "drop" else "keep")
    assert fate_of(rules, "pending", True) == ("keep" if before == "send" else "cookieless")
    assert fate_of(rules, "pending", False) == "keep"
