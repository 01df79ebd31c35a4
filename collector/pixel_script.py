"""The pixel's script as pages fetch it: plain, or with its source's configuration in front, by key or by a chosen path. Pure.

`GET /pixel/WRITE_KEY.js` is one request for script and configuration, the same bytes for everybody, so that any cache may keep
it. A key comes back in it only when it is a known one that lives and is meant for pages. Absent: what the configuration says
(schemas/pixel_config.py).
"""

from functools import lru_cache

from collector.admission import is_for_pages
from collector.asked import Asked
from collector.cors import PUBLIC
from collector.pixel_parts import cut, parts_of
from collector.rejection import Refusal
from collector.replies import JSON_TYPE, Headers, Reply, method_not_allowed, refused
from collector.script import Script
from schemas.control import ControlState
from schemas.pixel_config import pixel_config, prelude
from schemas.reasons import Reason
from schemas.source_paths import chosen_paths
from schemas.sources import Source

CONFIGURED, ENDING = "/pixel/", ".js"
SCRIPTS_REMEMBERED_MAX = 1_024  # one for each key that is asked for; some 30 KB each

_NO_SUCH_KEY = Refusal(
    Reason.UNKNOWN_WRITE_KEY,
    "no source has this write key, or not any more: compare it with the one in the configuration "
    "(`stitchline sources SOURCE --install` prints what belongs into pages)",
)
_NOT_KEPT = ("cache-control", "no-store")
_NOT_FOUND = 404


class Pixel:
    """Used on one thread. Scripts are made when they are first asked for, and again for another configuration."""

    def __init__(self, script: bytes, whole: bytes, max_age_s: int, config_max_age_s: int) -> None:
        """A source gets those parts of `whole` that have something to do for it."""
        self._plain = Script(script, max_age_s)
        self._scripts = lru_cache(SCRIPTS_REMEMBERED_MAX)(
            lambda line, parts: Script(line + cut(whole, parts), config_max_age_s)
        )
        self._state: ControlState | None = None
        self._by_key: dict[str, Script] = {}
        self._by_path: dict[str, Script] = {}

    def plain(self, asked: Asked, _state: ControlState) -> tuple[Reply, Headers]:
        return _told(asked, self._plain), PUBLIC

    def configured(self, asked: Asked, state: ControlState) -> tuple[Reply, Headers]:
        """By the key in its path, else by the path that a source chose."""
        if state is not self._state:
            self._begin(state)
        script = self._by_path.get(asked.path) or self._of_key(asked, state)
        return (unknown() if script is None else _told(asked, script)), PUBLIC

    def _begin(self, state: ControlState) -> None:
        self._state, self._by_key = state, {}
        chosen = chosen_paths(state.sources).scripts
        self._by_path = {path: self._script(source, state) for path, source in chosen.items()}

    def _of_key(self, asked: Asked, state: ControlState) -> Script | None:
        key = asked.path.removeprefix(CONFIGURED).removesuffix(ENDING)
        source = state.source_of(key)
        if source is None or not asked.path.endswith(ENDING) or not is_for_pages(source, key, asked.now):
            return None
        if key not in self._by_key:
            self._by_key[key] = self._script(source, state, key)
        return self._by_key[key]

    def _script(self, source: Source, state: ControlState, key: str = "") -> Script:
        events = state.pixel_events.get(source.id, ())
        config = pixel_config(source, events, key)
        return self._scripts(prelude(config), parts_of(config))


def _told(asked: Asked, script: Script) -> Reply:
    if asked.method not in ("GET", "HEAD"):
        return method_not_allowed("GET", "HEAD", "OPTIONS")
    return script.reply(asked.known_tags, asked.encodings)


def unknown() -> Reply:
    """Not 401: there is nothing to log in to, and no such script."""
    reply = refused(_NO_SUCH_KEY)
    return Reply(_NOT_FOUND, reply.body, (JSON_TYPE, _NOT_KEPT), reply.reason)
