"""Clicks and submitted forms, by real input."""

import json
import threading

import pytest

from tests.pixel.automatic.pages import Shop, definitions, names, said
from tests.pixel.browser import Context

CLICKS = """<div class=card data-sku=s1><h2 class=title> Red
 shoe </h2><button class=buy data-price=9.90><b id=deep>Buy</b></button></div>
<div id=host></div><a id=own href="/own">own</a> <a id=out target=_blank href="http://other.example/away?x=1">out</a>
<script>
document.body.insertAdjacentHTML("beforeend", "<button class=buy id=late>Late</button>");
const root = host.attachShadow({mode: "open"});
root.innerHTML = "<button class=buy id=within>Within</button>";
document.addEventListener("click", (event) => { event.stopImmediatePropagation(); event.preventDefault() }, true);
</script>"""


def test_clicks_on_chosen_elements_count_wherever_they_stand_and_say_what_is_asked(
    context: Context, shop: Shop
) -> None:
    """Nested, added later, in a shadow tree, stopped by the page; once each."""
    events = definitions(
        {
            "event": "Bought",
            "trigger": {"click": {"selector": ".buy, .card"}},
            "properties": {
                "shop": "one",
                "sku": {"attribute": "data-sku", "of": ".card"},
                "title": {"text": True, "of": ".title"},
                "price": {"attribute": "data-price", "as": "number"},
                "none": {"attribute": "data-none", "as": "number"},
                "page": {"page": "title"},
                "ref": {"query": "ref"},
                "kind": {"meta": "og:type"},
            },
        },
        {"event": "Left", "trigger": {"click": {"outbound": True}}},
        {"event": "Elsewhere", "trigger": {"click": {"selector": "*"}}, "pages": ["/elsewhere"]},
    )  # fmt: skip
    path = shop.page(f"<meta property=og:type content=product>{CLICKS}", events=events)
    page = context.page(f"{shop.site.origin()}{path}?ref=abc")
    for selector in ("#deep", "#late", "#within", "#own", "#out"):
        page.click(selector)
    found = shop.told(page)
    assert names(found) == ["Bought", "Bought", "Bought", "Left"]
    same = {"shop": "one", "sku": "s1", "title": "Red shoe", "page": "Shop", "ref": "abc", "kind": "product"}
    assert said(found, "Bought") == [{**same, "price": 9.9}, same, same]
    assert said(found, "Left") == [{"url": "http://other.example/away?x=1"}]
    assert page.errors() == []


LABELS = """<label class=choice><input type=checkbox id=within><span id=text>Yes</span></label>
<p class=choice><label for=beside id=named>No</label><input type=checkbox id=beside></p>"""


@pytest.mark.parametrize("is_early", [False, True])
def test_a_click_on_a_label_counts_once_although_browsers_click_its_field_too(
    context: Context, shop: Shop, is_early: bool
) -> None:
    """Also of those that came before the second script: they are told one after the other in one task."""
    events = definitions(
        {"event": "Chosen", "trigger": {"click": {"selector": ".choice"}}},
        {"event": "Ticked", "trigger": {"click": {"selector": "input"}}},
    )
    path = shop.page(LABELS, events=events)
    held = shop.site.held.setdefault(shop.second, threading.Event())
    if not is_early:
        held.set()
    page = context.page(shop.site.origin() + path)
    for selector in ("#text", "#within", "#named", "#beside"):
        page.click(selector)
    held.set()
    assert names(shop.told(page, 8)) == ["Chosen", "Ticked"] * 4


def test_a_click_on_a_link_arrives_although_its_page_is_left(context: Context, shop: Shop) -> None:
    second = shop.page()
    events = definitions(
        {
            "event": "Followed",
            "trigger": {"click": {"selector": "a"}},
            "properties": {"to": {"attribute": "href"}},
        },
        {"event": "Seen", "trigger": {"page": None}},
    )
    path = shop.page(f"<a href={second}>on</a>", events=events)
    page = context.page(shop.site.origin() + path)
    shop.until(page, "Seen")  # the second script is there: a page that is left before tells nothing
    page.click("a")
    page.wait_url(second)
    assert said(shop.told(page, 1), "Followed") == [{"to": second}]


FORM = """<form id=order action=/done method=post>
<input name=company><input name=email><input type=checkbox name=terms checked>
<input type=radio name=size value=S><input type=radio name=size value=L checked>
<input name=word type=password><input name=note autocomplete=cc-number><input name=number>
<input name=dotted><input name=shown id=user_pass>
<button>Send</button></form>"""
FIELDS = ("company", "email", "terms", "size", "word", "note", "number", "dotted", "shown", "none")


def test_submitted_forms_count_also_those_that_the_page_sends_itself(context: Context, shop: Shop) -> None:
    """What fields hold is said only of those that are named, and of none that may hold a secret."""
    events = definitions(
        {
            "event": "Ordered",
            "trigger": {"submit": {"selector": "#order"}},
            "properties": {name: {"field": name} for name in FIELDS},
        },
        {"event": "Sent", "trigger": {"submit": None}},
        {"event": "Searched", "trigger": {"submit": {"selector": ".search"}}},
    )
    prevented = f"""{FORM}<div id=host></div><script>
      host.attachShadow({{mode: "open"}}).innerHTML = "<form class=search><input id=q></form>";
      addEventListener("submit", (event) => event.preventDefault(), true);
      host.shadowRoot.addEventListener("submit", (event) => event.preventDefault());
    </script>"""
    path = shop.page(prevented, events=events)
    page = context.page(shop.site.origin() + path)
    filled = {
        "company": "Ann & Co",
        "email": "ann@shop.example",
        "word": "hush",
        "note": "4111",
        "number": "4111 1111 1111 1111",
        "dotted": "4111.1111.1111.1111",
        "shown": "hush",
    }
    for name, value in filled.items():
        page.fill(f"[name={name}]", value)
    page.click("#order button")
    page.type("#q", "shoe")
    page.press("Enter")
    found = shop.told(page)
    assert names(found) == ["Ordered", "Sent", "Searched", "Sent"]
    assert said(found, "Ordered") == [
        {"company": "Ann & Co", "email": "ann@shop.example", "terms": True, "size": "L"}
    ]
    assert said(found, "Sent") == [{}, {}]
    assert not [event for event in found if "hush" in json.dumps(event) or "4111" in json.dumps(event)]


def test_a_form_that_leads_to_another_page_is_told(context: Context, shop: Shop) -> None:
    path = shop.page(FORM, events=definitions({"event": "Sent", "trigger": {"submit": None}}))
    page = context.page(shop.site.origin() + path)
    visitor = page.run("new Promise((done) => stitchline.ready(done))")["anonymousId"]
    page.type("[name=company]", "x")
    page.press("Enter")
    page.wait_url("/done")
    shop.until_of(visitor, ["Sent"])


def test_a_definition_that_this_browser_does_not_understand_harms_no_other(
    context: Context, shop: Shop
) -> None:
    events = definitions(
        {"event": "Odd", "trigger": {"click": {"selector": "button:never-heard-of"}}},
        {"event": "Clicked", "trigger": {"click": {"selector": "button"}}},
    )
    page = context.page(shop.site.origin() + shop.page("<button>x</button>", events=events))
    page.click("button")
    assert names(shop.told(page)) == ["Clicked"]
    assert [line for line in page.console() if "Odd" in line]
    assert page.errors() == []
