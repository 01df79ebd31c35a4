"""What an event's sender is: the kind of device, its system and its browser. Pure.

Three things speak of it: the user agent text (`context.userAgent`, else the header of a browser's request), the client
hints (`context.userAgentData`, else the sec-ch-ua headers), and what an app says of itself (`context.device`, `context.os`).
The text is read by a library (user_agents.py), which comes as a function; an app is believed before it, and so is a hint
where browsers have ceased to tell the truth in the text: a brand behind "Chrome", Windows 11 behind "Windows NT 10.0", a
model behind "K".

Deliberately absent: tables of models and browsers, which are the library's; and a guess at what browsers hide: an iPad that
asks for desktop pages is a Mac.
"""

import re
from collections.abc import Callable
from functools import lru_cache

import msgspec

from processors.enrichment.hints_of_clients import HINTS_BYTES_MAX, Hints, header_hints, shown_hints
from processors.events.parsed import Object
from schemas.events.pack import Connection
from schemas.wire.stamps import NO_DEVICE, Device

USER_AGENT_CHARACTERS_MAX = 512
NAME_CHARACTERS_MAX = 64
DEVICES_REMEMBERED_MAX = 4_096


class Agent(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the library reads in a user agent text; versions are dotted numbers."""

    browser: str = ""
    browser_version: str = ""
    os: str = ""
    os_version: str = ""
    brand: str = ""
    model: str = ""
    is_spider: bool = False
    is_listed: bool = False


ReadAgent = Callable[[str], Agent]
Known = tuple[Device, str]  # with what gives a bot away, "" for nothing (bots.py)
App = tuple[
    str, str, str, str, str
]  # what an app says: device type, manufacturer, model; system, its version
Said = tuple[str, str, str] | bytes  # hints: three headers, or the JSON of `context.userAgentData`

HEADLESS, CRAWLER, PROGRAM, LISTED = "headless", "crawler", "program", "listed"
NOBODY: Known = (NO_DEVICE, "")
NO_APP: App = ("", "", "", "", "")
NO_AGENT = Agent()


def _words(*patterns: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile("|".join(patterns), re.IGNORECASE).search


_is_headless = _words(
    "headless", "phantomjs", "slimerjs", "lighthouse", "puppeteer", "playwright", "selenium", "webdriver"
)
_is_crawler = _words(
    r"(?<!cu)bot\b", "crawl", "spider", "slurp", "scraper", "scrapy", "preview", "monitoring", "mediapartners-google",
    "apis-google", "feedfetcher", "googleother", "google-read-aloud", "chatgpt-user", "perplexity-user", "embedly", "gtmetrix",
    "synthetics", "w3c_validator", r"\bcypress/",
)  # fmt: skip
_is_program = re.compile(
    "curl|wget|python|aiohttp|httpx|go-http-client|java/|apache-httpclient|libwww|axios|node-fetch|node/|undici|got |"
    "ruby(?![a-z])|postman|insomnia/|httpie|guzzle|php(?![a-z])|faraday(?![a-z])|reactornetty|symfony",
    re.IGNORECASE,
).match
_KINDS = (
    ("console", _words("playstation", "xbox", "nintendo")),
    (
        "tv",
        _words(
            r"smart-?tv", r"\btv\b", r"googletv", r"apple ?tv", "tvos", "hbbtv", "netcast", "web0s", "bravia", r"\baft[a-z]+\b",
            "crkey", "roku", "viera", "vidaa", "chromecast", "inettv",
        ),
    ),
    ("wearable", _words(r"\bwatch\b", "watchos", r"watch\d", r"wear ?os", r"\bsm-r\d{3}", "oculus", r"\bquest\b", "visionos")),
    ("tablet", _words("ipad", r"tablet(?! pc)", "kindle", "playbook", r"\bsm-[tx]\d{3}")),
    ("mobile", _words("mobi", "iphone", "ipod", "windows phone", "blackberry", "kaios", "opera mini", "midp", "dalvik")),
)  # fmt: skip
_MOBILE_SYSTEMS = {
    "iOS": "mobile",
    "iPadOS": "tablet",
    "tvOS": "tv",
    "watchOS": "wearable",
    "visionOS": "wearable",
}
_DESKTOP_SYSTEMS = ("Windows", "macOS", "Linux", "Chrome OS", "Ubuntu", "Fedora", "Debian")  # fmt: skip
_is_desktop = _words("windows nt", "macintosh", "x11", "cros", "linux x86_64")

_SYSTEMS = {
    "Mac OS X": "macOS", "ATV OS X": "tvOS", "WatchOS": "watchOS", "Chromium OS": "Chrome OS", "Web0S": "webOS",
    "ios": "iOS", "android": "Android", "macos": "macOS",
}  # fmt: skip
_NO_MODELS = ("", "K", "iOS-Device")
_BROWSERS = {
    "Mobile Safari": "Safari", "Chrome Mobile": "Chrome", "Chrome Mobile iOS": "Chrome", "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox", "Edge Mobile": "Edge", "Opera Mobile": "Opera", "IE Mobile": "IE", "Google": "Google App",
    "Chrome Mobile WebView": "Chrome WebView", "Mobile Safari UI/WKWebView": "Safari WebView",
}  # fmt: skip


def is_mail_proxy(text: str) -> bool:
    """Whether a mail service fetches an image for whoever opens a mail."""
    return "GoogleImageProxy" in text or "YahooMailProxy" in text


class Devices:
    """The same object for the same signs: the codec knows it again. At most so many signs are remembered."""

    def __init__(self, read: ReadAgent) -> None:
        self._read = read
        self._of_signs = lru_cache(DEVICES_REMEMBERED_MAX)(self._device)

    def of(self, context: Object, connection: Connection | None) -> Device:
        return self.known(context, connection)[0]

    def known(self, context: Object, connection: Connection | None) -> Known:
        """`context` is the event's; headers count for what it does not say."""
        app = _app(context) if "device" in context or "os" in context else NO_APP
        agent = context.get("userAgent")
        hints: Said = b""
        if "userAgentData" in context and isinstance(said := context["userAgentData"], dict) and said:
            hints = _document(said)
        if not (agent and isinstance(agent, str)):
            if connection is not None and connection.is_browser:
                agent = connection.user_agent
                hints = hints or (connection.brands, connection.mobile, connection.platform)
            else:
                agent = ""
        if not agent and not hints and app is NO_APP:
            return NOBODY
        if len(agent) > USER_AGENT_CHARACTERS_MAX:
            agent = agent[:USER_AGENT_CHARACTERS_MAX]
        return self._of_signs(agent, hints, app)

    def _device(self, text: str, said: Said, app: App) -> Known:
        agent = self._read(text) if text else NO_AGENT
        if is_mail_proxy(text):  # somebody opens a mail; what else the text says is made up
            return Device(kind="other", browser=agent.browser[:NAME_CHARACTERS_MAX]), ""
        hints = shown_hints(said) if isinstance(said, bytes) else header_hints(*said)
        return _joined(text, agent, hints, app)


def _document(said: Object) -> bytes:
    """Empty when it is too long to be hints: what is remembered is as long as what is asked."""
    try:
        document = msgspec.json.encode(said)
    except RecursionError:  # it could be read, from a frame less deep in the stack
        return b""
    return document if len(document) <= HINTS_BYTES_MAX else b""


def _app(context: Object) -> App:
    device, system = context.get("device"), context.get("os")
    kind = maker = model = name = version = ""
    if isinstance(device, dict):
        kind, maker, model = (
            _text(device.get("type")),
            _text(device.get("manufacturer")),
            _text(device.get("model")),
        )
    if isinstance(system, dict):
        name, version = _text(system.get("name")), _text(system.get("version"))
    app = (kind, maker, model, name, version)
    return app if any(app) else NO_APP


def _text(said: object) -> str:
    return said[:NAME_CHARACTERS_MAX] if isinstance(said, str) else ""


def _joined(text: str, agent: Agent, hints: Hints, app: App) -> Known:
    app_type, maker, app_model, app_os, app_os_version = app
    browser, browser_version = _browser(agent, hints)
    system = _SYSTEMS.get(agent.os, agent.os) or hints.platform
    version = hints.platform_version or _short(agent.os_version)
    if app_os:
        system, version = _SYSTEMS.get(app_os, app_os), app_os_version
    brand, model = (maker, app_model) if app_model else _model(agent, hints)
    signs = " ".join((text, app_type, app_model, app_os, agent.brand, hints.model))
    reason = _bots_reason(text, agent, hints)
    is_bot = bool(reason)
    if is_bot:
        brand = model = ""
    kind = "bot" if is_bot else _kind(signs, text, system, hints)
    known = _cut(kind, brand, model, system, version, browser, browser_version)
    if not any(known) or (kind == "other" and not any(known[1:])):
        return NOBODY
    return Device(
        kind=known[0], brand=known[1], model=known[2], os=known[3], os_version=known[4], browser=known[5],
        browser_version=known[6], is_bot=is_bot,
    ), reason  # fmt: skip


def _cut(*texts: str) -> list[str]:
    return [text[:NAME_CHARACTERS_MAX] for text in texts]


def _short(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _browser(agent: Agent, hints: Hints) -> tuple[str, str]:
    """A brand counts where the text says Chrome, which many say, or nothing."""
    browser = _BROWSERS.get(agent.browser, agent.browser)
    if hints.browser != browser and hints.browser and browser in ("", "Chrome"):
        return hints.browser, _short(hints.browser_version)
    return browser, _short(agent.browser_version)


def _model(agent: Agent, hints: Hints) -> tuple[str, str]:
    brand = "" if agent.brand.startswith("Generic") else agent.brand
    is_unknown = agent.model in _NO_MODELS or agent.brand == "Generic"
    return brand, hints.model or ("" if is_unknown else agent.model)


def _bots_reason(text: str, agent: Agent, hints: Hints) -> str:
    if hints.is_headless or _is_headless(text):
        return HEADLESS
    if agent.is_spider or _is_crawler(text):
        return CRAWLER
    return PROGRAM if _is_program(text) else LISTED if agent.is_listed else ""


def _kind(signs: str, text: str, system: str, hints: Hints) -> str:
    for kind, shows in _KINDS:
        if shows(signs):
            return kind
    if system == "Android":  # phones say so
        return (
            "tablet"
            if hints.is_mobile is False or (text.startswith("Mozilla/") and not hints.is_mobile)
            else "mobile"
        )
    if hints.is_mobile:
        return "mobile"
    if known := _MOBILE_SYSTEMS.get(system):
        return known
    return "desktop" if system.startswith(_DESKTOP_SYSTEMS) or _is_desktop(text) else "other"
