"""Which handler a path has."""

import pytest

from collector.asked import Asked
from collector.cors import PUBLIC
from collector.image import accept_image
from collector.intake import Request, accept
from collector.introduction import introduce
from collector.libraries import tell_settings
from collector.replies import Headers, Reply
from collector.routes import Sent, Told, ignore, routes
from schemas.control import ControlState


def script(asked: Asked, state: ControlState) -> tuple[Reply, Headers]:
    return Reply(200, b"the script", ()), PUBLIC


TABLE = routes(script, script)


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
        ("/pixel.js", "pixel", script),
        ("/v1/optout/", "optout", script),
    ],
)
def test_a_path_has_one_handler(path: str, label: str, handler: object) -> None:
    route = TABLE.find(path)
    assert route is not None
    assert route.label == label
    assert (route.read if isinstance(route, Sent) else route.tell) is handler


@pytest.mark.parametrize(
    "path", ["/", "/ready", "/v1", "/v1/", "/v1/tracks", "/v1/track//", "/V1/track", "/pixel.js/"]
)
def test_other_paths_are_pages_or_nothing(path: str) -> None:
    assert TABLE.find(path) is None


def test_whatever_begins_as_a_library_s_path_is_answered_by_it() -> None:
    route = TABLE.find("/v1/projects/a/b/settings")
    assert isinstance(route, Told)
    reply, _ = route.tell(Asked(method="GET", path="/v1/projects/a/b/settings"), ControlState())
    assert reply.status == 404


def test_what_libraries_say_of_themselves_is_answered_and_forgotten() -> None:
    intake = ignore(Request(method="POST", path="/v1/m", body=b"anything"))
    assert (intake.reply.status, intake.events, intake.letters, intake.source) == (200, [], [], None)
    assert ignore(Request(method="GET", path="/v1/m")).reply.status == 405
