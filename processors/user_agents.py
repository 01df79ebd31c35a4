"""The library that reads user agent texts (ua-parser: the rules of uap-core, matched in Rust), in our terms.

Its tables take about 0.15 s and 40 MB: they are loaded when `user_agent_reader` is called, never at import.
Absent: what follows from it (device.py).
"""

from collections.abc import Iterable

from processors.device import Agent, ReadAgent

SPIDER = "Spider"  # the library's word for everything that is nobody's browser


def user_agent_reader() -> ReadAgent:
    """Once for a process. Texts are not remembered here: whoever asks does that."""
    from ua_parser import Domain, load_lazy_builtins
    from ua_parser.regex import Resolver

    resolve = Resolver(load_lazy_builtins())

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
        )

    return read


def _dotted(parts: Iterable[str | None]) -> str:
    return ".".join(part for part in parts if part)
