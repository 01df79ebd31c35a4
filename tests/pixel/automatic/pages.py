"""Pages of a site whose source has a configuration, and what they tell: for tests of events that no page calls for.

`End` is called last: what came before it in its page has come when it has, and nothing else will. Pages that were left before
may be heard later than that: tests of several pages say how many events they wait for.
"""

from typing import Any

from collector.pixel_parts import cut, parts_of
from collector.script import FILE, PARTS
from schemas.control import ControlState
from schemas.pixel.pixel_config import parts_prelude, prelude
from schemas.pixel.pixel_event_records import pixel_event_records
from schemas.pixel.pixel_events import compact
from tests.collector.process import KEY, Collector, until
from tests.pixel.arrivals import Arrivals
from tests.pixel.browser import Page
from tests.pixel.site import Site

VIEWPORT = (800, 600)
MODULE = {"Content-Type": "text/javascript", "Access-Control-Allow-Origin": "*"}
TALL = "<div style='height:6000px'></div>"

Event = dict[str, Any]


def definitions(*entries: dict[str, Any]) -> list[dict[str, Any]]:
    """As the collector would serve them."""
    records = pixel_event_records([{"source": "shop", **entry} for entry in entries])
    return [compact(each) for each in ControlState().updated(records.items()).pixel_events["shop"]]


def scripts(config: dict[str, Any], parts_path: str) -> tuple[bytes, bytes]:
    """As the collector serves them to a source with all of this configuration; the second may be none."""
    more = {name: config[name] for name in ("events", "emails", "domains") if config.get(name)}
    own = {name: value for name, value in config.items() if name not in ("events", "emails")}
    if not more:
        return prelude({"key": KEY, **own}) + FILE.read_bytes(), b""
    told = {"key": KEY, "parts": "1", "paths": {"parts": parts_path}, **own}
    return prelude(told) + FILE.read_bytes(), parts_prelude(more) + cut(PARTS.read_bytes(), parts_of(more))


class Shop:
    """A site whose pages have the pixel with a configuration."""

    def __init__(self, site: Site, collector: Collector, arrivals: Arrivals) -> None:
        """The site's server stands before the collector, since it has the second scripts."""
        self.site, self._arrivals, self.second = site, arrivals, ""
        self._host = site.origin("events.shop.example")
        site.pass_on("/v1/", collector.url)

    def page(self, html: str = "", /, *, early: str = "", **config: Any) -> str:
        """Its path. `early` runs before the script is there."""
        begin = f"Object.assign(window.stitchline=window.stitchline||{{}},{{host:'{self._host}'}});"
        parts = f"/parts/{len(self.site.pages)}/"
        first, second = scripts(config, parts)
        self.second = f"{parts}{KEY}.js"  # the last page's second script
        if second:
            self.site.pages[self.second] = (second, MODULE)
        script = self.site.file(".js", begin.encode() + first, "text/javascript")
        return self.site.show(f"<script>{early}</script><script src='{script}'></script>{html}")

    def told(self, page: Page, count: int = 0) -> list[Event]:
        """All events of the page's visitor before `End`; at least so many."""
        page.run("stitchline.track('End')")
        visitor = page.run("new Promise((done) => stitchline.ready(done))")["anonymousId"]
        found: list[Event] = []

        def has_ended() -> bool:
            found[:] = self._by(visitor)
            return "End" in names(found) and len(found) > count

        until(has_ended)
        return [event for event in found if event.get("event") != "End"]

    def of(self, page: Page, name: str) -> list[Event]:
        """Those of the page's visitor that have come so far."""
        visitor = page.run("new Promise((done) => stitchline.ready(done))")["anonymousId"]
        return [event for event in self._by(visitor) if event.get("event", event["type"]) == name]

    def _by(self, visitor: str) -> list[Event]:
        """Each once: what a page could not know to have arrived, the next one sends again."""
        return [*{event["messageId"]: event for event in self._arrivals.by(visitor)}.values()]

    def until(self, page: Page, name: str, count: int = 1) -> None:
        until(lambda: len(self.of(page, name)) == count)

    def until_of(self, visitor: str, wanted: list[str]) -> None:
        until(lambda: names(self._by(visitor)) == wanted)


def views(events: list[Event]) -> list[tuple[str, str, str]]:
    """Path, title, and the path of the referrer."""
    pages = [event["properties"] for event in events if event["type"] == "page"]
    return [(page["path"], page["title"], path_of(page["referrer"])) for page in pages]


def path_of(url: str) -> str:
    return url.partition("://")[2].partition("/")[2].partition("?")[0]


def said(events: list[Event], name: str) -> list[Event]:
    """The properties of the events of this name."""
    return [event["properties"] for event in events if event.get("event") == name]


def names(events: list[Event]) -> list[str]:
    return [str(event.get("event", event["type"])) for event in events]
