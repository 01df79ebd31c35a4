"""What browser libraries ask for before they send anything: which source this is, and where its events go. Pure.

Segment's analytics-next sends no key at all unless its settings name one; RudderStack's library does not start without a
description of its source. Both are told that there are no destinations: everything goes through the collector.
Absent: the libraries themselves.
"""

import re
from typing import Any

import msgspec

from collector.admission import is_for_pages
from collector.asked import Asked
from collector.cors import reply_headers
from collector.credentials import key_in_header, key_in_query
from collector.rejection import Refusal
from collector.replies import JSON_TYPE, Headers, Reply, method_not_allowed, not_found, refused
from schemas.control import ControlState
from schemas.events.reasons import Reason
from schemas.sources.origins import ANY
from schemas.sources.sources import Source

_SEGMENT = re.compile(r"/v1/projects/([^/]+)/settings/?")
SEGMENT = "/v1/projects/"  # what the paths of Segment's begin with
RUDDERSTACK = ("/sourceConfig", "/sourceConfig/")
# By the browser alone: the answer may name the host that was asked.
_CACHED = ("cache-control", "private, max-age=60")


def key_asked_for(asked: Asked) -> str | None:
    """The write key whose settings are wanted, "" when none is named; None when the path is not one of these."""
    if segment := _SEGMENT.fullmatch(asked.path):
        return segment[1].strip()
    if asked.path in RUDDERSTACK:
        return key_in_header(asked.authorization) or key_in_query(asked.query)
    return None


def tell_settings(asked: Asked, state: ControlState) -> tuple[Reply, Headers]:
    """What such a library asked for, and who may read it."""
    key = key_asked_for(asked)
    if key is None:
        return not_found(), reply_headers(asked.origin)
    source = state.source_of(key) if key else None
    if source and not is_for_pages(source, key, asked.now):
        source = None
    return settings_reply(asked, key, source), reply_headers(
        asked.origin, source.allowed_origins if source else (ANY,)
    )


def settings_reply(asked: Asked, key: str, source: Source | None) -> Reply:
    """`source` is the one that has the key, if any."""
    if asked.method not in ("GET", "HEAD"):
        return method_not_allowed("GET", "HEAD", "OPTIONS")
    if not key:
        return refused(
            Refusal(
                Reason.NO_WRITE_KEY,
                "the request names no source: give the write key as ?writeKey= in the address or as Basic user name",
            )
        )
    if source is None:
        return refused(
            Refusal(
                Reason.UNKNOWN_WRITE_KEY,
                "no source has this write key: compare it with the one in the configuration",
            )
        )
    document = _for_rudderstack(key, source) if asked.path in RUDDERSTACK else _for_segment(key, asked)
    return Reply(200, msgspec.json.encode(document), (JSON_TYPE, _CACHED))


def _for_segment(key: str, asked: Asked) -> dict[str, Any]:
    own: dict[str, Any] = {"apiKey": key, "unbundledIntegrations": [], "addBundledMetadata": True}
    if asked.host:
        own |= {"apiHost": f"{asked.host}/v1", "protocol": asked.protocol}
    return {
        "integrations": {"Segment.io": own},
        "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


def _for_rudderstack(key: str, source: Source) -> dict[str, Any]:
    silent = {"enabled": False}
    return {
        "source": {
            "id": source.id,
            "name": source.id,
            "enabled": True,
            "writeKey": key,
            "workspaceId": source.workspace,
            "config": {"statsCollection": {"errors": silent, "metrics": silent}},
            "connections": [],
            "destinations": [],
        }
    }
