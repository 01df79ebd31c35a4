"""Parts of a request that values go into: JSON, paths, headers, addresses. Each says what may stand there, and nothing else does.

A value comes from a stranger's event. It stays what it is: in JSON one value, in a path one segment, in a header one line,
among addresses one address.
"""

import re
from collections.abc import Mapping
from typing import Any

from processors.actions.template_engine import NoValue, Scope, Template, TemplateFailed
from schemas.actions.requests import SENDERS_HEADERS
from schemas.identity.identifiers import normalise_email

BODY_DEPTH_MAX = 20
BODY_TEXTS_MAX = 1_000
RECIPIENTS_MAX = 10
LINE_CHARS_MAX = 2_000
PATH_CHARS_MAX = 2_000

_CONTROL = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]+")
_PATH = re.compile(r"/[A-Za-z0-9/_.~!$&'()*+,;=:@%-]*")
_DOTS = re.compile(r"(?i)(^|/)(\.|%2e){1,2}(?=/|$)")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,100}")

Body = Any  # JSON, with templates where there were texts


def body(place: str, value: Any) -> Body:
    """JSON with its texts compiled. Raises ValueError."""
    count = [0]

    def compiled(at: str, each: Any, depth: int) -> Body:
        if depth > BODY_DEPTH_MAX:
            raise ValueError(f"{at}: more than {BODY_DEPTH_MAX} levels")
        if isinstance(each, dict):
            return {name: compiled(f"{at}.{name}", one, depth + 1) for name, one in each.items()}
        if isinstance(each, list | tuple):
            return [compiled(f"{at}[{number}]", one, depth + 1) for number, one in enumerate(each)]
        return text(at, each) if isinstance(each, str) else each

    def text(at: str, source: str) -> Template:
        count[0] += 1
        if count[0] > BODY_TEXTS_MAX:
            raise ValueError(f"{at}: more than {BODY_TEXTS_MAX} texts")
        return Template(source, place=at)

    return compiled(place, value, 0)


def filled(said: Body, scope: Scope) -> Any:
    """Raises TemplateFailed."""
    if isinstance(said, Template):
        return said.value(scope)
    if isinstance(said, dict):
        return {name: filled(each, scope) for name, each in said.items()}
    return [filled(each, scope) for each in said] if isinstance(said, list) else said


def request_path(path: str, place: str = "") -> str:
    """What is put behind a destination's address: "" or a path, which leads to no other host and out of no folder."""
    path = f"/{path}" if path and not path.startswith("/") else path
    if path and (
        len(path) > PATH_CHARS_MAX or not _PATH.fullmatch(path) or _DOTS.search(path) or "//" in path
    ):
        raise TemplateFailed(f"{place}no path of letters, digits and / without empty segments and dots alone")
    return path


def own_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Without what the sender says itself: rules that name it are refused when they are applied (rule_checks.py), but an
    older release took some. Raises ValueError."""
    for name in headers:
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"http.headers.{name}: not the name of a header")
    return {name: value for name, value in headers.items() if name.lower() not in SENDERS_HEADERS}


def one_line(text: str) -> str:
    """Line ends and other signs that are none become a blank."""
    return _CONTROL.sub(" ", text).strip()[:LINE_CHARS_MAX]


def addresses(text: str, place: str = "") -> list[str]:
    """Of e-mail, separated by commas. Raises NoValue."""
    found = [normalise_email(each) for each in text.split(",")]
    if not all(found) or len(found) > RECIPIENTS_MAX:
        raise NoValue(f"{place}no e-mail address, or more than {RECIPIENTS_MAX} of them")
    return list(dict.fromkeys(found))
