"""Which handler a path has, also under names that a site chose."""

from typing import Any

import pytest
from prometheus_client import generate_latest

from collector.asked import Asked
from collector.clicks import accept_click
from collector.exchange import Intake, Request
from collector.image import accept_image
from collector.intake import accept
from collector.introduction import introduce
from collector.libraries import tell_settings
from collector.pages import Pages
from collector.pixel_script import Pixel
from collector.replies import Reply
from collector.routes import Told, ignore, routes
from schemas.configuration.configuration_file import parse_file
from schemas.control import ControlState
from schemas.sources.source_paths import RESERVED


async def exposition() -> bytes:
    return generate_latest()


def receive(request: Request, **_: object) -> Intake:
    return Intake(Reply(200, request.body, ()))


PIXEL = Pixel(b"the script", b"events;", 3_600, 300)
TABLE = routes(PIXEL, PIXEL.plain, Pages(list, exposition, ""), receive)
NOTHING = ControlState()


def state(*sources: dict[str, Any]) -> ControlState:
    return ControlState(
        dict(
            parse_file(
                {
                    "sources": [
                        {"id": f"s{n}", "write_keys": [f"k{n}"], **more} for n, more in enumerate(sources)
                    ]
                }
            )
        )
    )


@pytest.mark.parametrize(
    ("path", "label", "handler"),
    [
        ("/v1/track", "track", accept),
        ("/v1/t/", "track", accept),
        ("/v1/import", "batch", accept),
        ("/beacon/v1/batch", "batch", accept),
        ("/v1/pixel/track", "image", accept_image),
        ("/v1/visitor/", "visitor", introduce),
        ("/v1/m", "client_metrics", ignore),
        ("/v1/projects/key/settings", "settings", tell_settings),
        ("/sourceConfig/", "settings", tell_settings),
        ("/r/shop", "link", accept_click),
        ("/v1/optout/", "optout", PIXEL.plain),
        ("/pixel.js", "pixel", PIXEL.plain),
        ("/pixel/key.js", "pixel", PIXEL.configured),
        ("/w/shop", "webhook", receive),
    ],
)
def test_a_path_has_one_handler(path: str, label: str, handler: object) -> None:
    route, known_as = TABLE.find(path, NOTHING)
    assert route is not None
    assert (route.label, known_as) == (label, path)
    assert (route.tell if isinstance(route, Told) else route.read) == handler


@pytest.mark.parametrize(
    "path",
    ["/", "/ready", "/v1", "/v1/", "/v1/tracks", "/v1/track//", "/V1/track", "/pixel.js/", "/assets/c/batch"],
)
def test_other_paths_are_pages_or_nothing(path: str) -> None:
    assert TABLE.find(path, NOTHING) == (None, path)


@pytest.mark.parametrize(
    ("path", "label", "known_as"),
    [
        ("/assets/c/batch", "batch", "/v1/batch"),
        ("/assets/c/b/", "batch", "/v1/b/"),
        ("/assets/c/visitor", "visitor", "/v1/visitor"),
        ("/assets/c/pixel/page", "image", "/v1/pixel/page"),
        ("/assets/shop.js", "pixel", "/assets/shop.js"),
        ("/v1/batch", "batch", "/v1/batch"),
    ],
)
def test_a_chosen_path_has_the_handler_of_the_usual_one(path: str, label: str, known_as: str) -> None:
    chosen = state({"paths": {"script": "/assets/shop.js", "calls": "/assets/c"}})
    route, usual = TABLE.find(path, chosen)
    assert route is not None
    assert (route.label, usual) == (label, known_as)


@pytest.mark.parametrize(
    "path", ["/assets/c", "/assets/c/", "/assets/cc/batch", "/assets/c/nothing", "/assets"]
)
def test_beneath_a_chosen_path_there_is_no_more_than_beneath_the_usual_one(path: str) -> None:
    assert TABLE.find(path, state({"paths": {"calls": "/assets/c"}}))[0] is None


def test_a_chosen_path_is_gone_with_the_configuration_that_had_it() -> None:
    assert TABLE.find("/c/batch", state({"paths": {"calls": "/c"}}))[0] is not None
    assert TABLE.find("/c/batch", state({}))[0] is None


def test_no_source_can_choose_what_the_collector_answers_itself() -> None:
    own = [
        *TABLE.paths,
        "/metrics",
        *Pages(list, exposition, "").paths,
        "/schemas/ids/1",
        "/subjects",
        "/config",
    ]
    assert {path.split("/")[1] for path in own} <= RESERVED


def test_whatever_begins_as_a_library_s_path_is_answered_by_it() -> None:
    route, _ = TABLE.find("/v1/projects/a/b/settings", NOTHING)
    assert isinstance(route, Told)
    reply, _ = route.tell(Asked(method="GET", path="/v1/projects/a/b/settings"), NOTHING)
    assert reply.status == 404


def test_what_libraries_say_of_themselves_is_answered_and_forgotten() -> None:
    intake = ignore(Request(method="POST", path="/v1/m", body=b"anything"))
    assert (intake.reply.status, intake.events, intake.letters, intake.source) == (200, [], [], None)
    assert ignore(Request(method="GET", path="/v1/m")).reply.status == 405
