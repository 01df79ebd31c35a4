"""What belongs into a site's pages, or into a server's program, so that it sends to one source. Pure.

Keys are stored as hashes alone, so the one to be written down is given by whoever asks, and compared.
Absent: recipes for libraries of further languages (docs/clients.md).
"""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from schemas.pixel.pixel_config import parts_config, pixel_config
from schemas.pixel.pixel_events import PixelEvent
from schemas.sources.sources import Source, hash_write_key

PLACEHOLDER: Final = "WRITE_KEY"

_PLAIN_KEY = re.compile(r"[A-Za-z0-9._~-]+")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9._~:/\[\]-]+")
_METHODS = "page track identify group alias reset ready setAnonymousId consent"


class BadInstall(ValueError):
    """The text says what is wrong and how to mend it; it never has the key in it."""


class Place(msgspec.Struct, frozen=True):
    """Where a source's senders find the collector, and by which key."""

    source: Source
    address: str
    key: str
    events: Sequence[PixelEvent] = ()

    @property
    def script(self) -> str:
        path = self.source.paths.script or f"/pixel/{self.key}.js"
        return self.address + path


def install_code(form: str, source: Source, address: str, key: str, events: Sequence[PixelEvent] = ()) -> str:
    """`events` are the source's definitions. `key` "" leaves a place to be filled in. Raises BadInstall."""
    if form not in FORMS:
        raise BadInstall(f"there is no install code for {form!r}, only for {', '.join(FORMS)}")
    if not _ADDRESS.fullmatch(address):
        raise BadInstall(f"{address!r} is no address of a collector: write it as https://events.shop.example")
    _check_key(form, source, key)
    return FORMS[form](Place(source, address.rstrip("/"), key or PLACEHOLDER, events)) + "\n"


def _check_key(form: str, source: Source, key: str) -> None:
    if not key:
        return
    digest = hash_write_key(key)
    if digest not in source.key_hashes:
        raise BadInstall(f"that is no key of source {source.id}: compare it with the file that was applied")
    if digest in source.secret_key_hashes and form in IN_PAGES:
        raise BadInstall(
            f"that is a secret key of source {source.id}, and everybody can read {form}: give one of its write keys"
        )
    if digest in source.key_ends:
        raise BadInstall(
            f"that is a key of source {source.id} that ends: give one that stays, or leave --key away"
        )
    if not _PLAIN_KEY.fullmatch(key):
        raise BadInstall(
            f"that key has characters which need quoting: leave --key away, and put it in place of {PLACEHOLDER}"
        )


def _html(place: Place) -> str:
    # By a path of the site's own the script does not know its key: the page says it.
    key = f's.key="{place.key}";' if place.source.paths.script else ""
    first = "" if place.source.pixel.pages else "\nstitchline.page();"
    return (
        "<script>\n"
        f"!function(w,d,s,e){{s=w.stitchline=w.stitchline||{{}};if(s.q)return;s.q=[];{key}\n"
        f'"{_METHODS}".split(" ").forEach(function(m){{s[m]=function(){{s.q.push([m,arguments,new Date,location.href])}}}});\n'
        f'e=d.createElement("script");e.async=1;e.src="{place.script}";d.head.appendChild(e)}}(window,document);{first}\n'
        "</script>"
    )


def _script(place: Place) -> str:
    key = f' data-write-key="{place.key}"' if place.source.paths.script else ""
    return f'<script async src="{place.script}"{key}></script>'


def _gtm(place: Place) -> str:
    return (
        "<!-- Google Tag Manager: a tag of type Custom HTML, triggered by Initialization - All Pages, once per page -->\n"
        + _html(place)
    )


def _module(place: Place) -> str:
    # A bundled pixel is not told its configuration by the collector: it is what the source says now.
    config = {
        "host": place.address,
        **pixel_config(place.source, place.key),
        **parts_config(place.source, place.events),
    }
    first = "" if place.source.pixel.pages else "\nstitchline.page();"
    return (
        'import { load } from "stitchline-pixel";\n\n'
        f"const stitchline = load({json.dumps(config, indent=2)});{first}"
    )


def _image(place: Place) -> str:
    call = {"event": "Seen without scripts", "anonymousId": "nobody", "writeKey": place.key}
    data = base64.urlsafe_b64encode(json.dumps(call).encode()).decode().rstrip("=")
    path = f"{place.source.paths.calls or '/v1'}/pixel/track"
    address = f"{place.address}{path}?data={data}"
    return f'<noscript><img src="{address}" alt="" width="1" height="1" referrerpolicy="origin"></noscript>'


def _python(place: Place) -> str:
    return (
        "from segment.analytics.client import Client  # pip install segment-analytics-python\n\n"
        f'client = Client("{place.key}", host="{place.address}")\n'
        'client.track(user_id="ann", event="Order Completed", properties={"order_id": "o-1", "total": 63.5})\n'
        "client.shutdown()"
    )


def _node(place: Place) -> str:
    return (
        'import { Analytics } from "@segment/analytics-node"\n\n'
        f'const analytics = new Analytics({{ writeKey: "{place.key}", host: "{place.address}" }})\n'
        'analytics.track({ userId: "ann", event: "Order Completed", properties: { order_id: "o-1", total: 63.5 } })\n'
        "await analytics.closeAndFlush()"
    )


def _curl(place: Place) -> str:
    call = '{"userId": "ann", "event": "Order Completed", "properties": {"order_id": "o-1", "total": 63.5}}'
    return f"curl {place.address}/v1/track -u {place.key}: -d '{call}'"


FORMS: Final[Mapping[str, Callable[[Place], str]]] = {
    "html": _html,
    "script": _script,
    "module": _module,
    "gtm": _gtm,
    "image": _image,
    "python": _python,
    "node": _node,
    "curl": _curl,
}
IN_PAGES: Final = ("html", "script", "module", "gtm", "image")
