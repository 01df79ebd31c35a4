"""The pixel's two scripts with their source's configuration."""

import gzip
import re
from typing import Any

import pytest

from collector.asked import Asked
from collector.pixel_script import Pixel
from collector.replies import Reply
from schemas.configuration.configuration_file import parse_file
from schemas.control import ControlState
from schemas.pixel.pixel_event_records import pixel_event_records

SCRIPT, CLICKS = b"the pixel", b"clicks, "
WHOLE = b"/*! if click */clicks, /*! end *//*! if emails */emails, /*! end */the rest"
PIXEL = Pixel(SCRIPT, WHOLE, 3_600, 300)
DAY_MS = 86_400_000
END = 20_000 * DAY_MS  # of a key's last day, 2024-10-03
VERSION = re.compile(rb'"parts":"([0-9a-f]{16})"')


def state(*events: dict[str, Any], **more: Any) -> ControlState:
    shop = {"id": "shop", "write_keys": ["k1", {"key": "old", "until": "2024-10-03"}], "secret_keys": ["s1"]}
    definitions = pixel_event_records([{"source": "shop", **event} for event in events])
    return ControlState(dict(parse_file({"sources": [shop | more]}))).updated(definitions.items())


CHOSEN = {"script": "/assets/shop.js", "calls": "/assets/c"}
SHOP = state(paths=CHOSEN, pixel={"pages": True})
CLICKED = {"event": "Clicked", "trigger": {"click": {"selector": "a"}}}


def told(path: str, configuration: ControlState = SHOP, now: int = 0, **more: str) -> Reply:
    asked = Asked(path=path, now=now, **{"method": "GET"} | more)
    tell = PIXEL.parts if path.startswith("/v1/parts/") else PIXEL.configured
    reply, headers = tell(asked, configuration)
    assert ("access-control-allow-origin", "*") in headers, "a cache without Vary would keep one site's"
    return reply


def version(configuration: ControlState) -> str:
    found = VERSION.search(told("/pixel/k1.js", configuration).body)
    return found[1].decode() if found else ""


def test_the_script_comes_with_its_source_s_configuration() -> None:
    reply = told("/pixel/k1.js")
    line, _, script = reply.body.partition(b"\n")
    assert (reply.status, script) == (200, SCRIPT)
    assert line == (
        b'(window.stitchline=window.stitchline||{}).config={"key":"k1","paths":{"batch":"/assets/c/batch",'
        b'"visitor":"/assets/c/visitor"},"pages":true,"gpc":"cookieless"};'
    )
    assert ("cache-control", "public, max-age=300") in reply.headers


def test_by_a_chosen_path_the_key_is_the_page_s_to_say() -> None:
    reply = told("/assets/shop.js")
    assert reply.body.endswith(b"\n" + SCRIPT)
    assert b"k1" not in reply.body
    assert b'"pages":true' in reply.body


@pytest.mark.parametrize("prefix", ["/pixel/", "/v1/parts/"])
def test_a_key_that_is_not_known_is_not_echoed(prefix: str) -> None:
    for path in ("nobody.js", ".js", "k1", "k1.js.map", ""):
        reply = told(prefix + path)
        assert (reply.status, reply.reason) == (404, "unknown_write_key")
        assert b"no source has this write key" in reply.body
        assert b"nobody" not in reply.body
        assert ("cache-control", "no-store") in reply.headers


def test_a_server_s_key_is_never_written_into_a_page() -> None:
    assert told("/pixel/s1.js").status == 404


def test_a_key_that_ended_has_no_script_any_more() -> None:
    assert told("/pixel/old.js", now=END - 1).status == 200
    assert told("/pixel/old.js", now=END).status == 404
    assert told("/v1/parts/old.js", state(CLICKED), now=END - 1).status == 200
    assert told("/v1/parts/old.js", state(CLICKED), now=END).status == 404


def test_what_a_browser_has_already_is_not_sent_again_until_it_changes() -> None:
    packed = told("/pixel/k1.js", encodings="gzip, br")
    assert ("content-encoding", "gzip") in packed.headers
    assert gzip.decompress(packed.body) == told("/pixel/k1.js").body
    tag = dict(packed.headers)["etag"]
    assert told("/pixel/k1.js", known_tags=tag).status == 304
    changed = state(pixel={"pages": False})
    assert told("/pixel/k1.js", changed, known_tags=tag).status == 200


def test_another_configuration_of_others_makes_no_script_anew() -> None:
    again = state(paths=CHOSEN, pixel={"pages": True})
    assert told("/pixel/k1.js", again).body is told("/pixel/k1.js", SHOP).body


def test_the_second_script_has_the_parts_and_the_definitions_that_the_source_needs() -> None:
    reply = told("/v1/parts/k1.js", state(CLICKED))
    line, _, script = reply.body.partition(b"\n")
    assert line == b'export default{"events":[{"on":"click","event":"Clicked","selector":"a"}]};'
    assert script == CLICKS + b"the rest"
    assert b"Clicked" not in told("/pixel/k1.js", state(CLICKED)).body


def test_the_second_script_is_asked_for_where_the_calls_go() -> None:
    assert b'"parts":"/assets/c/parts/"' in told("/pixel/k1.js", state(CLICKED, paths=CHOSEN)).body


def test_the_version_that_is_asked_for_may_be_kept_for_ever_and_another_one_is_answered_with_what_there_is() -> (
    None
):
    """A page may have an older first script: what it gets then is whole in itself."""
    configuration = state(CLICKED)
    known = told("/v1/parts/k1.js", configuration, query=version(configuration))
    assert ("cache-control", "public, max-age=31536000, immutable") in known.headers
    changed = state(CLICKED, pixel={"emails": "sha256"})
    assert version(changed) != version(configuration)
    other = told("/v1/parts/k1.js", changed, query=version(configuration))
    assert ("cache-control", "public, max-age=300") in other.headers
    assert other.body == told("/v1/parts/k1.js", changed, query=version(changed)).body != known.body


def test_a_source_whose_pages_do_everything_by_calls_does_not_pay_for_automatic_events() -> None:
    settings: list[dict[str, Any]] = [
        {},
        {"pixel": {"pages": True}},
        {"pixel": {"emails": "sha256"}},
        {"pixel": {"domains": ["a.example"]}},
    ]
    assert [bool(version(state(**more))) for more in settings] == [False, False, True, True]
    assert [told("/v1/parts/k1.js", state(**more)).status for more in settings] == [404, 404, 200, 200]


def test_a_script_is_read_only() -> None:
    assert told("/pixel/k1.js", method="POST").status == 405
    assert told("/pixel/k1.js", method="HEAD").status == 200
    assert told("/v1/parts/k1.js", state(CLICKED), method="POST").status == 405
