"""What browser libraries load first."""

import json

import pytest

from collector.asked import Asked
from collector.libraries import key_asked_for, settings_reply
from schemas.sources.sources import Source
from tests.collector.test_intake import basic

SHOP = Source(id="shop", workspace="main", write_key_hashes=[])


def asked(
    path: str, query: str = "", authorization: str = "", method: str = "GET", host: str = "c.example"
) -> Asked:
    return Asked(
        method=method, path=path, query=query, authorization=authorization, protocol="https", host=host
    )


@pytest.mark.parametrize(
    ("path", "query", "authorization", "key"),
    [
        ("/v1/projects/good/settings", "", "", "good"),
        ("/v1/projects/good/settings/", "", "", "good"),
        ("/v1/projects/%20/settings".replace("%20", " "), "", "", ""),
        ("/sourceConfig/", "p=web&writeKey=good", "", "good"),
        ("/sourceConfig", "", basic("good"), "good"),
        ("/sourceConfig/", "", "", ""),
        ("/v1/projects//settings", "", "", None),
        ("/v1/projects/a/b/settings", "", "", None),
        ("/v1/projects/a", "", "", None),
        ("/sourceConfig/x", "", "", None),
    ],
)
def test_the_key_stands_in_the_path_or_where_clients_put_it(path, query, authorization, key) -> None:
    assert key_asked_for(asked(path, query, authorization)) == key


def test_segment_s_library_is_told_its_key_and_where_to_send() -> None:
    reply = settings_reply(asked("/v1/projects/good/settings"), "good", SHOP)
    settings = json.loads(reply.body)
    own = settings["integrations"]["Segment.io"]
    assert (reply.status, own["apiKey"], own["apiHost"], own["protocol"]) == (
        200,
        "good",
        "c.example/v1",
        "https",
    )
    assert list(settings["integrations"]) == ["Segment.io"]
    assert settings["metrics"] == {"sampleRate": 0}


def test_without_a_host_segment_s_library_keeps_its_own() -> None:
    reply = settings_reply(asked("/v1/projects/good/settings", host=""), "good", SHOP)
    assert "apiHost" not in json.loads(reply.body)["integrations"]["Segment.io"]


def test_rudderstack_s_library_is_told_that_there_are_no_destinations() -> None:
    reply = settings_reply(asked("/sourceConfig/", "writeKey=good"), "good", SHOP)
    source = json.loads(reply.body)["source"]
    assert {"id", "name", "enabled", "writeKey", "workspaceId", "config", "connections"} <= set(source)
    assert (source["enabled"], source["writeKey"], source["workspaceId"], source["destinations"]) == (
        True,
        "good",
        "main",
        [],
    )


@pytest.mark.parametrize(
    ("key", "source", "method", "status", "code"),
    [
        ("", None, "GET", 401, "no_write_key"),
        ("bad", None, "GET", 401, "unknown_write_key"),
        ("good", SHOP, "POST", 405, "method_not_allowed"),
    ],
)
def test_a_refusal_has_a_code_and_a_message(key, source, method, status, code) -> None:
    reply = settings_reply(asked("/sourceConfig/", method=method), key, source)
    assert (reply.status, json.loads(reply.body)["code"]) == (status, code)
    assert json.loads(reply.body)["message"]
