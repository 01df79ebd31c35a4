"""The pixel's scripts as pages fetch them: the first one plain or with its source's configuration, and the second one. Pure.

`GET /pixel/WRITE_KEY.js`, or a path that the source chose, is one request for script and configuration, the same bytes for
everybody, so that any cache may keep it. When the configuration has work for parts, the first script asks for the second one by
`GET /v1/parts/WRITE_KEY.js?VERSION`: it holds those parts and what they need of the configuration. The version that was asked for
may be kept for ever; where there is another one by now, that is given, for a while. A key comes back only when it is a known one
that lives and is meant for pages. Absent: what the configuration says (schemas/pixel/pixel_config.py).
"""

from functools import lru_cache

import msgspec

from collector.admission import is_for_pages
from collector.asked import Asked
from collector.cors import PUBLIC
from collector.paths import PARTS
from collector.pixel_parts import cut, parts_of
from collector.rejection import Refusal
from collector.replies import JSON_TYPE, Headers, Reply, method_not_allowed, refused
from collector.script import FOR_EVER, Script, version_of
from schemas.control import ControlState
from schemas.events.reasons import Reason
from schemas.pixel.pixel_config import parts_config, parts_prelude, pixel_config, prelude
from schemas.sources.source_paths import chosen_paths
from schemas.sources.sources import Source

CONFIGURED, ENDING = "/pixel/", ".js"
SCRIPTS_REMEMBERED_MAX = 1_024  # one or two for each key that is asked for; some 20 KB each

_NO_SUCH_KEY = Refusal(
    Reason.UNKNOWN_WRITE_KEY,
    "no source has this write key, or not any more: compare it with the one in the configuration "
    "(`stitchline sources SOURCE --install` prints what belongs into pages)",
)
_NOT_KEPT = ("cache-control", "no-store")
_NOT_FOUND = 404


class Second(msgspec.Struct, frozen=True):
    """The second script of a source: `known` is the answer to its version, `other` to any other one."""

    version: str
    known: Script
    other: Script


class Pixel:
    """Used on one thread. Scripts are made when they are first asked for, and again for another configuration."""

    def __init__(self, script: bytes, whole: bytes, max_age_s: int, config_max_age_s: int) -> None:
        """A source gets those parts of `whole` that have something to do for it."""
        kept = f"max-age={config_max_age_s}"
        self._plain = Script(script, f"max-age={max_age_s}")
        self._firsts = lru_cache(SCRIPTS_REMEMBERED_MAX)(lambda line: Script(line + script, kept))

        @lru_cache(SCRIPTS_REMEMBERED_MAX)
        def second(line: bytes, parts: frozenset[str]) -> Second:
            content = line + cut(whole, parts)
            return Second(version_of(content), Script(content, FOR_EVER), Script(content, kept))

        self._second = second
        self._state: ControlState | None = None
        self._by_path: dict[str, Source] = {}  # whose script has this path
        self._made: dict[tuple[str, str], Script] = {}  # of this state, by source and key
        self._seconds: dict[str, Second | None] = {}  # of this state, by source

    def plain(self, asked: Asked, _state: ControlState) -> tuple[Reply, Headers]:
        return _told(asked, self._plain), PUBLIC

    def configured(self, asked: Asked, state: ControlState) -> tuple[Reply, Headers]:
        """By the key in its path, else by the path that a source chose."""
        self._follow(state)
        key, source = "", self._by_path.get(asked.path)
        if source is None:
            key, source = _keyed(asked, state, CONFIGURED)
        return (unknown() if source is None else _told(asked, self._first_of(source, key, state))), PUBLIC

    def parts(self, asked: Asked, state: ControlState) -> tuple[Reply, Headers]:
        self._follow(state)
        _, source = _keyed(asked, state, PARTS)
        second = self._second_of(source, state) if source else None
        if second is None:
            return unknown(), PUBLIC
        return _told(asked, second.known if asked.query == second.version else second.other), PUBLIC

    def _follow(self, state: ControlState) -> None:
        if state is not self._state:
            self._state, self._by_path = state, dict(chosen_paths(state.sources).scripts)
            self._made, self._seconds = {}, {}

    def _first_of(self, source: Source, key: str, state: ControlState) -> Script:
        if (source.id, key) not in self._made:
            second = self._second_of(source, state)
            config = pixel_config(source, key, second.version if second else "")
            self._made[source.id, key] = self._firsts(prelude(config))
        return self._made[source.id, key]

    def _second_of(self, source: Source, state: ControlState) -> Second | None:
        if source.id not in self._seconds:
            config = parts_config(source, state.pixel_events.get(source.id, ()))
            made = self._second(parts_prelude(config), parts_of(config)) if config else None
            self._seconds[source.id] = made
        return self._seconds[source.id]


def _keyed(asked: Asked, state: ControlState, prefix: str) -> tuple[str, Source | None]:
    """The key in the path, and the source whose pages it is for."""
    key = asked.path.removeprefix(prefix).removesuffix(ENDING)
    source = state.source_of(key)
    if source is None or not asked.path.endswith(ENDING) or not is_for_pages(source, key, asked.now):
        return key, None
    return key, source


def _told(asked: Asked, script: Script) -> Reply:
    if asked.method not in ("GET", "HEAD"):
        return method_not_allowed("GET", "HEAD", "OPTIONS")
    return script.reply(asked.known_tags, asked.encodings)


def unknown() -> Reply:
    """Not 401: there is nothing to log in to, and no such script."""
    reply = refused(_NO_SUCH_KEY)
    return Reply(_NOT_FOUND, reply.body, (JSON_TYPE, _NOT_KEPT), reply.reason)
