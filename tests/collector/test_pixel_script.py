"""The pixel with its source's configuration in front."""

import gzip
from typing import Any

from collector.asked import Asked
from collector.pixel_script import Pixel
from collector.replies import Reply
from schemas.configuration_file import parse_file
from schemas.control import ControlState

SCRIPT, AUTOMATIC = b"the pixel", b"automatic events, "
WHOLE = b"/*! if automatic */automatic events, /*! end */the pixel"
PIXEL = Pixel(SCRIPT, WHOLE, 3_600, 300)
DAY_MS = 86_400_000
END = 20_000 * DAY_MS  # of a key's last day, 2024-10-03


def state(**more: Any) -> ControlState:
    shop = {"id": "shop", "write_keys": ["k1", {"key": "old", "until": "2024-10-03"}], "secret_keys": ["s1"]}
    return ControlState(dict(parse_file({"sources": [shop | more]})))


SHOP = state(paths={"script": "/assets/shop.js", "calls": "/assets/c"}, pixel={"pages": True})


def told(path: str, configuration: ControlState = SHOP, now: int = 0, **more: str) -> Reply:
    asked = Asked(path=path, now=now, **{"method": "GET"} | more)
    reply, headers = PIXEL.configured(asked, configuration)
    assert ("access-control-allow-origin", "*") in headers, "a cache without Vary would keep one site's"
    return reply


def test_the_script_comes_with_its_source_s_configuration() -> None:
    reply = told("/pixel/k1.js")
    line, _, script = reply.body.partition(b"\n")
    assert (reply.status, script) == (200, AUTOMATIC + SCRIPT)
    assert line == (
        b'(window.stitchline=window.stitchline||{}).config={"key":"k1",'
        b'"paths":{"batch":"/assets/c/batch","visitor":"/assets/c/visitor"},"pages":true,"gpc":"cookieless"};'
    )
    assert ("cache-control", "public, max-age=300") in reply.headers


def test_by_a_chosen_path_the_key_is_the_page_s_to_say() -> None:
    reply = told("/assets/shop.js")
    assert reply.body.endswith(b"\n" + AUTOMATIC + SCRIPT)
    assert b"k1" not in reply.body
    assert b'"pages":true' in reply.body


def test_a_key_that_is_not_known_is_not_echoed() -> None:
    for path in ("/pixel/nobody.js", "/pixel/.js", "/pixel/k1", "/pixel/k1.js.map", "/pixel/"):
        reply = told(path)
        assert (reply.status, reply.reason) == (404, "unknown_write_key")
        assert b"no source has this write key" in reply.body
        assert b"nobody" not in reply.body
        assert ("cache-control", "no-store") in reply.headers


def test_a_server_s_key_is_never_written_into_a_page() -> None:
    assert told("/pixel/s1.js").status == 404


def test_a_key_that_ended_has_no_script_any_more() -> None:
    assert told("/pixel/old.js", now=END - 1).status == 200
    assert told("/pixel/old.js", now=END).status == 404


def test_what_a_browser_has_already_is_not_sent_again_until_it_changes() -> None:
    packed = told("/pixel/k1.js", encodings="gzip, br")
    assert ("content-encoding", "gzip") in packed.headers
    assert gzip.decompress(packed.body) == told("/pixel/k1.js").body
    tag = dict(packed.headers)["etag"]
    assert told("/pixel/k1.js", known_tags=tag).status == 304
    changed = state(pixel={"pages": False})
    assert told("/pixel/k1.js", changed, known_tags=tag).status == 200


def test_another_configuration_of_others_makes_no_script_anew() -> None:
    again = state(paths={"script": "/assets/shop.js", "calls": "/assets/c"}, pixel={"pages": True})
    assert told("/pixel/k1.js", again).body is told("/pixel/k1.js", SHOP).body


def test_definitions_of_events_are_in_it() -> None:
    from schemas.pixel_event_records import pixel_event_records

    definition = {"event": "Seen", "source": "shop", "trigger": {"page": {}}}
    found = told("/pixel/k1.js", SHOP.updated(pixel_event_records([definition]).items()))
    assert b'"events":[{' in found.body
    assert b'"Seen"' in found.body


def test_a_source_whose_pages_do_everything_by_calls_does_not_pay_for_automatic_events() -> None:
    settings: list[dict[str, Any]] = [
        {},
        {"pixel": {"pages": True}},
        {"pixel": {"emails": "sha256"}},
        {"pixel": {"domains": ["a.example"]}},
    ]
    assert [AUTOMATIC in told("/pixel/k1.js", state(**more)).body for more in settings] == [
        False,
        True,
        True,
        True,
    ]


def test_a_script_is_read_only() -> None:
    assert told("/pixel/k1.js", method="POST").status == 405
    assert told("/pixel/k1.js", method="HEAD").status == 200
