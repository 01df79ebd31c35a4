"""From an applied file to an event in Kafka: the collector serves the definition, a click in a real browser makes the event."""

from pathlib import Path

from deploy.applying.authority import Wish
from deploy.applying.configuration import apply_file
from runtime.environment.settings import KafkaSettings
from tests.collector.process import Collector, answers, until
from tests.pixel.automatic.pages import Shop, said, views
from tests.pixel.browser import Context

APPLIED = """
sources:
  - {id: applied, write_keys: [applied-key], pixel: {pages: true}}
pixel_events:
  - {event: Bought, source: applied, trigger: {click: {selector: .buy}}, properties: {sku: {attribute: data-sku}}}
"""


def test_what_is_applied_happens_in_the_pages_of_its_source(
    context: Context, shop: Shop, collector: Collector, settings: KafkaSettings, tmp_path: Path
) -> None:
    file = tmp_path / "events.yaml"
    file.write_text(APPLIED)
    assert apply_file(file, settings, Wish("one")).written == [
        "pixel_event/applied/Bought",
        "source/applied",
    ]
    until(lambda: answers(collector, "/pixel/applied-key.js"))
    script = f"http://events.shop.example:{collector.port}/pixel/applied-key.js"
    path = shop.site.show(f"<script src='{script}'></script><button class=buy data-sku=s1>Buy</button>")
    page = context.page(shop.site.origin() + path)
    page.click("button")
    events = shop.told(page, 2)
    assert views(events) == [(path, "Shop", "")]
    assert said(events, "Bought") == [{"sku": "s1"}]
    assert page.errors() == []
