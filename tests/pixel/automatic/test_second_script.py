"""What happens before the second script is there, and where it never comes."""

import threading

from tests.collector.process import until
from tests.pixel.automatic.pages import Shop, definitions, names, said
from tests.pixel.browser import Context

PAGE = """<base href="/"><script>const base = location.pathname</script><button data-sku=s1>Buy</button>
<form onsubmit="return false"><input name=plan value=pro><button id=send>Send</button></form>"""
EVENTS = definitions(
    {"event": "Seen", "trigger": {"page": None}},
    {"event": "Next Seen", "trigger": {"page": None}, "pages": ["*/next"]},
    {
        "event": "Bought",
        "trigger": {"click": {"selector": "[data-sku]"}},
        "properties": {"sku": {"attribute": "data-sku"}},
    },
    {
        "event": "Asked",
        "trigger": {"submit": {"selector": "form"}},
        "properties": {"plan": {"field": "plan"}},
    },
)


def test_what_visitors_did_before_the_second_script_is_there_is_told_with_its_own_time_and_page(
    context: Context, shop: Shop
) -> None:
    path = shop.page(PAGE, pages=True, events=EVENTS)
    shop.site.held[shop.second] = threading.Event()
    page = context.page(shop.site.origin() + path)
    page.click("[data-sku]")
    page.run("history.pushState({}, '', base + '/next')")
    until(lambda: len(shop.of(page, "page")) == 2)  # page views wait for nothing
    page.click("#send")
    assert shop.of(page, "Bought") == []
    before = page.run("new Date().toISOString()")
    shop.site.held[shop.second].set()
    shop.until(page, "Asked")
    page.click("[data-sku]")
    found = shop.told(page, 8)
    automatic = [event for event in found if event["type"] == "track"]
    assert names(automatic) == ["Seen", "Bought", "Next Seen", "Seen", "Asked", "Bought"]
    assert [event["context"]["page"]["path"] == f"{path}/next" for event in automatic] == [
        *(False, False),
        *(True, True, True, True),
    ]
    assert [event["timestamp"] < before for event in automatic] == [True] * 5 + [False]
    assert said(found, "Bought") == [{"sku": "s1"}] * 2
    assert said(found, "Asked") == [{"plan": "pro"}]
    assert page.errors() == []


def test_without_its_second_script_a_page_has_its_views_and_calls_and_no_error(
    context: Context, shop: Shop
) -> None:
    path = shop.page(PAGE, pages=True, events=EVENTS)
    del shop.site.pages[shop.second]
    page = context.page(shop.site.origin() + path)
    page.run(
        "window.thrown = []; addEventListener('unhandledrejection', (event) => thrown.push(String(event.reason)))"
    )
    page.click("[data-sku]")
    assert names(shop.told(page, 1)) == ["page"]
    assert page.run("thrown") == []
    ours = ("Access to script at", "Failed to load resource")  # what the browser says of it
    assert [error for error in page.errors() if not error.startswith(ours)] == []
