"""Links that count clicks are read by the collector as they were made."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.clicks import read_link
from collector.targets import Target, target_of
from schemas.events.click_links import OWN, BadClickLink, click_link

REDIRECT = "https://c.shop.example/r/shop"
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)


def test_a_link_says_where_to_what_it_is_and_whose() -> None:
    made = click_link(
        REDIRECT, "https://shop.example/a?b=1#c", name="big button", token="T", sent=17, utm_source="mail"
    )
    assert made == (
        f"{REDIRECT}?to=https%3A%2F%2Fshop.example%2Fa%3Fb%3D1%23c&name=big%20button&sent=17&utm_source=mail&_c=T"
    )


@given(path=TEXTS, name=TEXTS, sent=st.none() | st.integers(0, 2**32), hands_on=st.booleans(), source=TEXTS)
def test_the_collector_reads_what_was_written(
    path: str, name: str, sent: int | None, hands_on: bool, source: str
) -> None:
    to = f"https://shop.example/{path}"
    made = click_link(REDIRECT, to, name=name, sent=sent, hands_on=hands_on, utm_source=source)
    link = read_link(urlsplit(made).query)
    assert (link.to, link.name, link.sent) == (to, name, "" if sent is None else str(sent))
    assert link.is_handed_on == hands_on
    assert len(link.others) == (1 if source else 0)


def test_what_was_made_leads_there() -> None:
    link = read_link(urlsplit(click_link(REDIRECT, "https://shop.example/ä?b=ü")).query)
    found = target_of(link.to, ["shop.example"])
    assert isinstance(found, Target)
    assert found.address == "https://shop.example/%C3%A4?b=%C3%BC"


@pytest.mark.parametrize("to", ["", "shop.example", "//shop.example", "javascript:x"])
def test_a_link_leads_to_a_page(to: str) -> None:
    with pytest.raises(BadClickLink, match="the page has to begin with"):
        click_link(REDIRECT, to)


@pytest.mark.parametrize("redirect", ["c.shop.example/r/shop", f"{REDIRECT}?x=1", f"{REDIRECT}#x"])
def test_a_link_goes_by_way_of_a_plain_address(redirect: str) -> None:
    with pytest.raises(BadClickLink, match="the collector's address"):
        click_link(redirect, "https://shop.example/")


@pytest.mark.parametrize("name", [name for name in OWN if name not in ("to", "name", "sent")])
def test_a_parameter_is_none_of_the_link_s_own(name: str) -> None:
    with pytest.raises(BadClickLink, match=name):
        click_link(REDIRECT, "https://shop.example/", **{name: "x"})  # type: ignore[arg-type]
