"""One person's data on a running stack: stories for test_running.py, which has the stack."""

import json
from pathlib import Path

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
