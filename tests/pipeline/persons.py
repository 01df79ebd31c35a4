"""One person's data on a running stack: stories for test_running.py, which has the stack."""

import json
from pathlib import Path
from typing import Any

from tests import plain_http
from tests.pipeline.asking import stitchline
from tests.pipeline.up import Up, until

VISITED = """\
SELECT message_id, profiles.user_id
FROM events_resolved JOIN profiles USING (workspace, profile_id)
WHERE startsWith(message_id, 'desk-')
ORDER BY message_id"""


def a_person_is_exported(up: Up, folder: Path) -> None:
    """Two people on one device: of its visits the one's own, and not the other's."""
    calls = [
        {
            "type": kind, "anonymousId": "desk-pc", "userId": user, "messageId": f"{name}-{hour}",
            "timestamp": f"2026-07-01T{hour}:00:00Z",
        }
        for hour, kind, user, name in (
            ("09", "identify", "ida", "login"), ("10", "page", None, "desk"),
            ("11", "identify", "jon", "login"), ("12", "page", None, "desk"),
        )
    ]  # fmt: skip
    assert up.post("/v1/batch", {"batch": calls}) == 200
    until(lambda: up.ask(VISITED), [["desk-10", "ida"], ["desk-12", "jon"]])
    stitchline(up, "export", "ida", "--to", str(folder))
    events = [json.loads(line) for line in (folder / "event.jsonl").read_text().splitlines()]
    assert [event["message_id"] for event in events] == ["login-09", "desk-10"]
    assert json.loads(events[0]["envelope"])["userId"] == "ida"
    (profile,) = (json.loads(line) for line in (folder / "profile.jsonl").read_text().splitlines())
    assert (profile["user_id"], profile["events"]) == ("ida", 2)
    assert (folder / "event.jsonl").stat().st_mode & 0o077 == 0, "readable by its owner only"


TRAITS_OF_LIL = """\
SELECT name, kind, text FROM profile_traits
WHERE profile_id IN (SELECT profile_id FROM profiles WHERE user_id = 'lil') ORDER BY name"""


def traits_of_two_sides_meet(up: Up) -> None:
    """What a browser said first, with its key in the body, and what a server changes of it."""
    said = {"status": "trial", "seats": 3, "newsletter": True, "assets": ["logo"]}
    browsers = {"anonymousId": "lils-phone", "userId": "lil", "writeKey": "dev", "traits": said}
    assert up.post("/v1/identify", browsers, key="") == 200
    rest = [["assets", "list", '["logo"]'], ["newsletter", "boolean", "true"], ["seats", "number", "3"]]
    until(lambda: up.ask(TRAITS_OF_LIL), [*rest, ["status", "text", "trial"]])
    assert up.post("/v1/identify", {"userId": "lil", "traits": {"status": "paid"}}) == 200
    until(lambda: up.ask(TRAITS_OF_LIL), [*rest, ["status", "text", "paid"]])


def a_person_is_seen_over_http(up: Up) -> None:
    """A visit by phone, from before anybody knew whose it was, and what a server says of the person; each seconds later."""
    visit = {
        "anonymousId": "mias-phone",
        "name": "Home",
        "messageId": "mia-1",
        "timestamp": "2026-03-01T10:00:00Z",
    }
    assert up.post("/v1/page", visit) == 200
    until(lambda: _told(up, "anonymous_id:mias-phone").get("is_known"), False)
    for number, device, status in ((2, "mias-phone", "trial"), (3, "mias-laptop", "paid"), (4, "", "lapsed")):
        traits = {"email": "mia@shop.example", "status": status}
        known = {"userId": "mia", "anonymousId": device, "messageId": f"mia-{number}", "traits": traits}
        assert up.post("/v1/identify", known) == 200
        until(lambda: _told(up, "email:mia@shop.example").get("traits", {}).get("status"), status)
    until(lambda: [each["message_id"] for each in _told(up, "user_id:mia/journey").get("data", [])],
          ["mia-1", "mia-2", "mia-3", "mia-4"])  # fmt: skip
    journey = _told(up, "user_id:mia/journey")["data"]
    assert [each["anonymous_id"] for each in journey] == ["mias-phone", "mias-phone", "mias-laptop", ""]
    assert [each["before_known"] for each in journey] == [True, False, False, False]
    found = _told(up, "a:mias-laptop")
    assert (found["user_id"], found["anonymous_ids"]) == ("mia", ["mias-laptop", "mias-phone"])
    by_name = {each["name"]: each for each in _told(up, "mia/traits?verbose=true")["traits"]}
    told = by_name["status"]
    assert (told["value"], told["message_id"], told["source"]) == ("lapsed", "mia-4", "dev")
    assert json.loads(stitchline(up, "profile", "mia@shop.example", "--journey"))["data"] == journey


def _told(up: Up, path: str) -> dict[str, Any]:
    """By the console; nothing while nobody has the identifier."""
    reply = plain_http.get(
        f"{up.addresses['console']}/v1/profiles/{path}", auth=(up.addresses["server_key"], ""), timeout=60
    )
    assert reply.status_code in (200, 404), reply.text
    return dict(reply.json()) if reply.status_code == 200 else {}
