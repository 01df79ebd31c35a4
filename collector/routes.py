"""Which handler answers which path: one table for everything but the collector's own pages (pages.py). Pure.

A handler is a pure function in a module of its own and one line here. There are three kinds: one reads what a sender sent, whose
records are published before the answer holds; one is a link that leads on; one tells something out of the configuration. The
paths of events are found by one look into a dictionary. Absent: what handlers do, and the edge that runs them (app.py).
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Protocol

import msgspec

from collector.asked import Asked
from collector.clicks import LINKS, accept_click
from collector.exchange import Intake, Request, Sources
from collector.image import accept_image, as_image
from collector.intake import accept
from collector.introduction import introduce
from collector.libraries import RUDDERSTACK, SEGMENT, tell_settings
from collector.paths import CALLS, CLIENT_METRICS, IMAGES, OPTOUT, PARTS, PIXEL, VISITOR, WEBHOOKS
from collector.pixel_script import CONFIGURED, Pixel
from collector.replies import SUCCESS, Headers, Reply, method_not_allowed
from schemas.control import ControlState
from schemas.sources.source_paths import chosen_paths

Read = Callable[..., Intake]  # as `intake.accept`
Tell = Callable[[Asked, ControlState], tuple[Reply, Headers]]  # the headers say which pages may read it


class Pages(Protocol):
    """What is asked of pages.py, which does I/O."""

    async def reply(self, method: str, path: str) -> Reply: ...


class Sent(msgspec.Struct, frozen=True):
    """`label` is the path's name in metrics.

    `shaped` gives every reply, also the edge's own (503), the form that this path's callers understand. `sources` says how the
    sender is found: by what key. `is_whole`: the handler wants all headers and the address.
    """

    label: str
    read: Read
    shaped: Callable[[Reply], Reply] | None = None
    sources: Callable[[ControlState], Sources | ControlState] = attrgetter("source_of")
    is_whole: bool = False


class Followed(msgspec.Struct, frozen=True):
    """A link that leads on: as `Sent`, but the answer waits for nothing for long (following.py)."""

    label: str
    read: Read


class Told(msgspec.Struct, frozen=True):
    label: str
    tell: Tell


Route = Sent | Told | Followed


def ignore(request: Request, **_: object) -> Intake:
    """For what libraries tell their maker about themselves: nobody here reads it."""
    return Intake(SUCCESS if request.method == "POST" else method_not_allowed("POST", "OPTIONS"))


class Routes:
    """Prefixes are tried in their order, after the exact paths; paths that sources chose come last.

    Used on one thread. What was made of a configuration is kept until there is another one.
    """

    def __init__(
        self, exact: Mapping[str, Route], prefixes: Mapping[str, Route], script: Route, pages: Pages
    ) -> None:
        self.exact = dict(exact)
        self._prefixes = tuple(prefixes.items())
        self._script = script
        self.pages = pages  # for whatever has no handler
        self._state: ControlState | None = None
        self._chosen = chosen_paths(())

    @property
    def paths(self) -> list[str]:
        """Exact ones and prefixes."""
        return [*self.exact, *(prefix for prefix, _ in self._prefixes)]

    def find(self, path: str, state: ControlState) -> tuple[Route | None, str]:
        """The handler, and the path as it knows it. No handler: one of the collector's own pages, or nothing."""
        if route := self.exact.get(path):
            return route, path
        for prefix, by_prefix in self._prefixes:
            if path.startswith(prefix):
                return by_prefix, path
        return self._find_chosen(path, state)

    def _find_chosen(self, path: str, state: ControlState) -> tuple[Route | None, str]:
        if state is not self._state:
            self._chosen, self._state = chosen_paths(state.sources), state
        if path in self._chosen.scripts:
            return self._script, path
        usual = self._chosen.usual(path)
        if not usual:
            return None, path
        route = self.exact.get(usual) or next(
            (by_prefix for prefix, by_prefix in self._prefixes if usual.startswith(prefix)), None
        )
        return route, usual


def routes(pixel: Pixel, optout: Tell, pages: Pages, webhooks: Read) -> Routes:
    """The table; `optout` tells whether a browser is left alone, `webhooks` reads what comes to /w/ID."""
    settings = Told("settings", tell_settings)
    exact: dict[str, Route] = {path: Sent(name, accept) for path, name in CALLS.items()}
    exact |= dict.fromkeys(IMAGES, Sent("image", accept_image, shaped=as_image))
    exact |= dict.fromkeys(VISITOR, Sent("visitor", introduce))
    exact |= dict.fromkeys(CLIENT_METRICS, Sent("client_metrics", ignore))
    exact |= dict.fromkeys(RUDDERSTACK, settings)
    exact |= dict.fromkeys(OPTOUT, Told("optout", optout))
    exact[PIXEL] = Told("pixel", pixel.plain)
    configured = Told("pixel", pixel.configured)
    webhook = Sent("webhook", webhooks, sources=lambda state: state, is_whole=True)
    prefixes: dict[str, Route] = {
        SEGMENT: settings,
        CONFIGURED: configured,
        PARTS: Told("pixel", pixel.parts),
        WEBHOOKS: webhook,
        LINKS: Followed("link", accept_click),
    }
    return Routes(exact, prefixes, configured, pages)
