"""Links that count clicks: `https://c.shop.example/r/SOURCE?to=…` (docs/links.md). Of the standard library alone: copy this file.

Deliberately absent: signing (links.py) and what is allowed: the collector knows which hosts a source's links may lead to.
"""

from urllib.parse import quote, urlencode

OWN = ("to", "name", "sent", "pass")


class BadClickLink(ValueError):
    """No link can be made of this; the text says why."""


def click_link(  # noqa: PLR0913 - a link has so many parts, all of them named
    redirect: str,
    to: str,
    *,
    name: str = "",
    token: str = "",
    sent: int | None = None,
    hands_on: bool = False,
    **parameters: str,
) -> str:
    """A link to `to` by way of `redirect`, which is the collector's address with /r/ and the source's id, or the site's own path.

    `token` is a signed link's; `sent` the time of sending in seconds since 1970; `hands_on` gives all others of the
    `parameters`, such as utm_source, to the page too. Raises BadClickLink.
    """
    for address, what in ((redirect, "the collector's address"), (to, "the page")):
        if not address.startswith(("https://", "http://")):
            raise BadClickLink(f"{what} has to begin with https:// or http://: {address!r}")
    if "?" in redirect or "#" in redirect:
        raise BadClickLink(f"the collector's address ends with the source's id: {redirect!r}")
    if taken := [own for own in OWN if own in parameters]:
        raise BadClickLink(f"a parameter of a link cannot be called {taken[0]}")
    said = {
        "to": to,
        "name": name,
        "sent": "" if sent is None else str(sent),
        "pass": "1" if hands_on else "",
    }
    return f"{redirect}?{_query(said | parameters | {'_c': token})}"


def _query(said: dict[str, str]) -> str:
    return urlencode({name: value for name, value in said.items() if value}, quote_via=quote, safe="")
