"""The libraries that read user agent texts, in our terms: ua-parser (the rules of uap-core, matched in Rust), and the patterns of
crawler-user-agents, matched by the same machine: a third of their crawlers the rules do not know.

Its tables take about 0.15 s and 40 MB: they are loaded when `user_agent_reader` is called, never at import.
Absent: what follows from it (device.py).
"""

from collections.abc import Iterable

from processors.enrichment.device import Agent, ReadAgent

# Of the list of crawlers: what people's phones, apps and editors send, too, and mail services that fetch images for readers.
NO_CRAWLERS = frozenset(
    (
        *("okhttp", r"AP3A\.240617\.008", r"Code\/1\.", "Viber", r"Tumblr\/", r"Notion\/"),
        *("GoogleImageProxy", "YahooMailProxy"),
    )
)
SPIDER = "Spider"  # the library's word for everything that is nobody's browser


def user_agent_reader() -> ReadAgent:
    """Once for a process. Texts are not remembered here: whoever asks does that."""
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA
    from ua_parser import Domain, load_lazy_builtins
    from ua_parser.regex import Resolver
    from ua_parser_rs import UserAgentExtractor

    resolve = Resolver(load_lazy_builtins())
    patterns = [entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA if entry["pattern"] not in NO_CRAWLERS]
    listed = UserAgentExtractor([(pattern, None, None, None, None, None) for pattern in patterns])

    def read(text: str) -> Agent:
        found = resolve(text, Domain.ALL)
        browser, system, device = found.user_agent, found.os, found.device
        is_spider = device is not None and device.brand == SPIDER
        known = None if is_spider else device
        return Agent(
            browser=browser.family if browser else "",
            browser_version=_dotted((browser.major, browser.minor)) if browser else "",
            os=system.family if system else "",
            os_version=_dotted((system.major, system.minor)) if system else "",
            brand=(known.brand or "") if known else "",
            model=(known.model or "") if known else "",
            is_spider=is_spider,
            is_listed=listed.extract(text) is not None,
        )

    return read


def _dotted(parts: Iterable[str | None]) -> str:
    return ".".join(part for part in parts if part)
