"""Which handler answers which path: one table for everything but the collector's own pages (pages.py). Pure.

A handler is a pure function in a module of its own and one line here. There are two kinds: one reads what a sender sent, whose
records are published before the answer holds; the other tells something out of the configuration. The paths of events are
found by one look into a dictionary. Absent: what handlers do, and the edge that runs them (app.py).
"""

from collections.abc import Callable, Mapping
from operator import attrgetter

import msgspec

from collector.asked import Asked
from collector.image import accept_image, as_image
from collector.intake import Intake, Request, Sources, accept
from collector.introduction import introduce
from collector.libraries import RUDDERSTACK, SEGMENT, tell_settings
from collector.paths import CALLS, CLIENT_METRICS, IMAGES, OPTOUT, PIXEL, VISITOR
from collector.replies import SUCCESS, Headers, Reply, method_not_allowed
from schemas.control import ControlState

Read = Callable[..., Intake]  # as `intake.accept`
Tell = Callable[[Asked, ControlState], tuple[Reply, Headers]]  # the headers say which pages may read it


class Sent(msgspec.Struct, frozen=True):
    """`label` is the path's name in metrics.

    `shaped` gives every reply, also the edge's own (503), the form that this path's callers understand. `sources` says how the
    sender is found: by what key.
    """

    label: str
    read: Read
    shaped: Callable[[Reply], Reply] | None = None
    sources: Callable[[ControlState], Sources] = attrgetter("source_of")


class Told(msgspec.Struct, frozen=True):
    label: str
    tell: Tell


Route = Sent | Told


def ignore(request: Request, **_: object) -> Intake:
    """For what libraries tell their maker about themselves: nobody here reads it."""
    return Intake(SUCCESS if request.method == "POST" else method_not_allowed("POST", "OPTIONS"))


class Routes:
    """Prefixes are tried in their order, after the exact paths."""

    def __init__(self, exact: Mapping[str, Route], prefixes: Mapping[str, Route]) -> None:
        self.exact = dict(exact)
        self._prefixes = tuple(prefixes.items())

    def find(self, path: str) -> Route | None:
        """None: one of the collector's own pages, or nothing."""
        return self.exact.get(path) or next(
            (route for prefix, route in self._prefixes if path.startswith(prefix)), None
        )


def routes(pixel: Tell, optout: Tell) -> Routes:
    """The table; `pixel` tells the script of /pixel.js, `optout` whether a browser is left alone."""
    settings = Told("settings", tell_settings)
    exact: dict[str, Route] = {path: Sent(name, accept) for path, name in CALLS.items()}
    exact |= dict.fromkeys(IMAGES, Sent("image", accept_image, shaped=as_image))
    exact |= dict.fromkeys(VISITOR, Sent("visitor", introduce))
    exact |= dict.fromkeys(CLIENT_METRICS, Sent("client_metrics", ignore))
    exact |= dict.fromkeys(RUDDERSTACK, settings)
    exact |= dict.fromkeys(OPTOUT, Told("optout", optout))
    exact[PIXEL] = Told("pixel", pixel)
    return Routes(exact, {SEGMENT: settings})
