"""User-agent client hints, as browsers send them in headers and as scripts find them in `navigator.userAgentData`. Pure.

Of the brands the one counts that is neither Chromium, which many are made of, nor made up ("Not/A)Brand") to keep readers
from relying on a fixed list. Windows numbers its platform from 13 on for Windows 11, from 1 for Windows 10, and 0 before it
(learn.microsoft.com, "Detect Windows 11 using client hints").

Deliberately absent: hints that would tell one visitor from another (architecture, bitness, full versions of everything).
"""

import re
from typing import Any

import msgspec

HINTS_BYTES_MAX = 2_048
BRANDS_MAX = 10
TEXT_CHARACTERS_MAX = 64
WINDOWS_11_SINCE = 13

_BRAND = re.compile(r'"((?:[^"\\]|\\.){0,64})"\s*;\s*v="([^"]{0,64})"')
_is_made_up = re.compile(r"not.{0,3}a.{0,3}brand", re.IGNORECASE).search
_NAMES = {
    "Google Chrome": "Chrome", "Microsoft Edge": "Edge", "HeadlessChrome": "HeadlessChrome", "YaBrowser": "Yandex Browser",
    "Opera GX": "Opera", "Android WebView": "Chrome WebView", "Microsoft Edge WebView2": "Edge WebView",
}  # fmt: skip
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Hints(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """`is_mobile` is None when nothing says so; `platform` is named as systems are."""

    browser: str = ""
    browser_version: str = ""
    is_mobile: bool | None = None
    platform: str = ""
    platform_version: str = ""
    model: str = ""
    is_headless: bool = False


NO_HINTS = Hints()


def header_hints(brands: str, mobile: str, platform: str) -> Hints:
    """Of sec-ch-ua, sec-ch-ua-mobile and sec-ch-ua-platform."""
    found = [(match[1], match[2]) for match in _BRAND.finditer(brands)][:BRANDS_MAX]
    said = {"?1": True, "?0": False}.get(mobile.strip())
    return _hints(found, said, platform.strip().strip('"')[:TEXT_CHARACTERS_MAX], "", "")


def shown_hints(document: bytes) -> Hints:
    """Of the JSON of `context.userAgentData`, whatever is in it."""
    if not document or len(document) > HINTS_BYTES_MAX:
        return NO_HINTS
    said = _decode(document)
    mobile = said.get("mobile")
    return _hints(
        _brands(said.get("fullVersionList")) or _brands(said.get("brands")),
        mobile if isinstance(mobile, bool) else None,
        _text(said.get("platform")),
        _text(said.get("platformVersion")),
        _text(said.get("model")),
    )


def _brands(said: object) -> list[tuple[str, str]]:
    if not isinstance(said, list):
        return []
    dicts = [each for each in said[:BRANDS_MAX] if isinstance(each, dict)]
    return [(_text(each.get("brand")), _text(each.get("version"))) for each in dicts]


def _text(value: object) -> str:
    return value[:TEXT_CHARACTERS_MAX] if isinstance(value, str) else ""


def _hints(
    brands: list[tuple[str, str]], is_mobile: bool | None, platform: str, version: str, model: str
) -> Hints:
    own = [each for each in brands if each[0] and each[0] != "Chromium" and not _is_made_up(each[0])]
    others = [each for each in own if each[0] != "Google Chrome"]  # a browser may name Chrome beside itself
    browser, browser_version = (others or own or [("", "")])[0]
    return Hints(
        browser=_NAMES.get(browser, browser),
        browser_version=browser_version,
        is_mobile=is_mobile,
        platform="" if platform == "Unknown" else platform,
        platform_version=_version(platform, version),
        model=model,
        is_headless=any("headless" in name.lower() for name, _ in brands),
    )


def _version(platform: str, version: str) -> str:
    """As people call it; "" where the hint says nothing, as Linux's does not."""
    parts = version.split(".")
    if platform != "Windows":
        return ".".join(parts[:2])
    major = int(parts[0]) if parts[0].isascii() and parts[0].isdecimal() else 0
    return ("11" if major >= WINDOWS_11_SINCE else "10") if major else ""
