"""What people decide on a running stack, end to end: a link is cut for ever, an identifier is blocked, a person is forgotten in
state and tables, and nothing of it comes back when everything is sent again. Stories for test_running.py, which has the stack.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from rocksdict import AccessType, Options, Rdict

from deploy.stack.folder import PARTITIONS
from runtime.control import read_control
from runtime.environment.settings import KafkaSettings
from tests.pipeline.asking import stitchline
from tests.pipeline.up import SETTLE_S, Up, until

Call = dict[str, Any]


def environ_of(up: Up) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": up.addresses["kafka"],
        "CLICKHOUSE_URL": up.addresses["clickhouse"],
        "STITCHLINE_HASH_KEY": (Path(up.addresses["data"]) / "hash.key").read_text().strip(),
    }


def refused(up: Up, *arguments: str, **settings: str) -> str:
    """What the command line says to somebody who can mend it."""
    ran = subprocess.run(
        [sys.executable, "-m", "deploy", *arguments],
        env={**os.environ, **environ_of(up), **settings}, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    return ran.stderr


def done(up: Up, *arguments: str) -> Any:
    """What the command line answers to somebody who has the hash key."""
    return json.loads(stitchline(up, *arguments, **environ_of(up)))


def at(day: int, hour: int = 10) -> str:
    return f"2026-03-{day:02}T{hour:02}:00:00Z"


def send(up: Up, calls: list[Call], ids: str, key: str = "dev") -> None:
    """`ids` makes their message ids: with new ones they are no duplicates."""
    numbered = [call | {"messageId": f"{ids}-{number}"} for number, call in enumerate(calls)]
    assert up.post("/v1/batch", {"batch": numbered}, key) == 200


def people(up: Up, like: str) -> list[Any]:
    """Profile and identifiers of the events with such message ids, as they are now."""
    sql = "SELECT message_id, profile_id FROM events_resolved WHERE message_id LIKE {like:String} ORDER BY message_id"
    return [list(row) for row in up.sql.query(sql, parameters={"like": like}).result_rows]


def profiles(up: Up, like: str) -> int:
    return len({profile for _, profile in people(up, like)})


ANN: list[Call] = [
    {
        "type": "track", "event": "Cart Viewed", "anonymousId": "anns-phone", "timestamp": at(1),
        "properties": {"cart_id": "anns-phone"},
    },
    {
        "type": "identify", "anonymousId": "anns-phone", "userId": "ann-1",
        "traits": {"email": "ann@forget.example", "plan": "pro"}, "timestamp": at(2),
    },
    {"type": "page", "anonymousId": "kitchen-tablet", "name": "Anns", "timestamp": at(3)},
    {"type": "identify", "anonymousId": "kitchen-tablet", "userId": "ann-1", "timestamp": at(4)},
]  # fmt: skip
BOB: list[Call] = [
    {"type": "identify", "anonymousId": "kitchen-tablet", "userId": "bob-2", "timestamp": at(6)},
    {"type": "page", "anonymousId": "kitchen-tablet", "name": "Bobs", "timestamp": at(7)},
    {
        "type": "track", "userId": "bob-2", "event": "Invited", "timestamp": at(8),
        "context": {"traits": {"email": "ann@forget.example"}},
    },
]  # fmt: skip
IN_CLEAR = ("ann-1", "ann@forget.example", "anns-phone")


def a_person_is_forgotten(up: Up, folder: Path) -> None:
    up.renew_family()
    key = _source_of_our_own(up, folder)
    send(up, [*ANN, *BOB, {"type": "nothing", "userId": "ann-1"}], "first", key)
    until(lambda: (len(people(up, "first-%")), profiles(up, "first-%")), (7, 2))
    until(lambda: up.ask("SELECT cart_id FROM carts WHERE source = 'people'"), [["anns-phone"]])
    until(lambda: up.ask("SELECT count() FROM dead_letters WHERE position(payload, 'ann-1') > 0"), [[1]])

    would = done(up, "forget", "ann@forget.example")
    assert (would["state"], would["deleted"]["events"], len(would["nodes"])) == ("would be done", 4, 3)
    assert len(people(up, "first-%")) == 7, "a dry run does nothing"

    _cut_off(up)
    receipt = done(up, "forget", "u:ann-1", "--yes")
    assert receipt["state"] == "done"
    assert receipt["nodes"] == would["nodes"], "who it was is known from the run that was cut off"
    gone = dict.fromkeys(("subjects", "identifiers"), 3) | {
        "events": 4,
        "subject_events": 4,
        "subject_details": 9,  # four devices, two of them the user's, two traits and three names
        "traits": 2,
        "group_traits": 0,
        "dead_letters": 1,
        "cart_states": 1,
        **dict.fromkeys(("firing_states", "delivery_attempts", "contact_list_members", "lists"), 0),
    }
    assert receipt["deleted"] in (gone, gone | {"cart_states": 0}), "a merge may have been there before"
    assert up.ask("SELECT count() FROM cart_states WHERE cart_id != '' AND source = 'people'") == [[0]]
    assert {found["why"] for found in receipt["left"]} == {"inside an event that is somebody else's"}
    assert {found["table"] for found in receipt["left"]} == {"events"}
    assert [message_id for message_id, _ in people(up, "first-%")] == ["first-4", "first-5", "first-6"]
    _names_nobody(up)
    _balances(up)

    send(up, ANN, "again", key)
    until(
        lambda: up.ask("SELECT sum(events) FROM ledger WHERE stage = 'resolve' AND outcome = 'forgotten'"),
        [[4]],
    )
    send(up, [{"type": "page", "anonymousId": "anns-phone", "name": "Back"}], "back", key)
    until(lambda: len(people(up, "back-%")), 1)
    send(up, [{"type": "identify", "anonymousId": "anns-phone", "userId": "ann-1"}], "known", key)
    until(lambda: up.ask("SELECT events FROM profiles WHERE user_id = 'ann-1'"), [[2]])
    assert people(up, "again-%") == []
    assert profiles(up, "first-%") == 1, "all that is left is Bob's, the tablet's history included"

    until(lambda: up.ask("SELECT emails FROM profiles WHERE user_id = 'ann-1'"), [[[]]])
    second = done(up, "forget", "u:ann-1")
    assert second["deleted"]["events"] == 2, "who came back can be forgotten once more"
    _balances(up)


def _cut_off(up: Up) -> None:
    """A run that ends between its orders and its deletions: the sinks stand still."""
    sinks = next(child for child in up.family if "sink" in child.cmdline())
    _each(sinks, signal.SIGSTOP)
    try:
        told = refused(up, "forget", "ann-1", "--yes", ORDER_ACK_TIMEOUT_S="1")
    finally:
        _each(sinks, signal.SIGCONT)
    assert "run the same command again" in told
    until(lambda: profiles(up, "first-%") > 2, True)  # the person has fallen apart, the rows are there


def _each(process: psutil.Process, number: signal.Signals) -> None:
    for one in (process, *process.children(recursive=True)):
        one.send_signal(number)


def _names_nobody(up: Up) -> None:
    """Neither what is kept of the command, nor what the state of each step now says."""
    kept = read_control(KafkaSettings(bootstrap_servers=up.addresses["kafka"]), SETTLE_S).documents
    assert any(key.startswith("forget/") for key in kept)
    written = "\n".join(f"{key} {value.decode()}" for key, value in kept.items())
    assert [word for word in IN_CLEAR if word in written] == []
    values = b"\n".join(_state(up))
    assert values
    assert [word for word in IN_CLEAR if word.encode() in values] == []


def _state(up: Up) -> Iterator[bytes]:
    for partition in range(int(PARTITIONS)):
        for agent in ("resolve", "identity", "commerce"):
            folder = f"{up.addresses['data']}/state/g1/{agent}/{partition}"
            with_values = Rdict(folder, Options(raw_mode=True), access_type=AccessType.read_only())
            yield from (bytes(value) for value in with_values.values())
            with_values.close()


def _source_of_our_own(up: Up, folder: Path) -> str:
    """Its write key: a source's events are counted apart."""
    file = folder / "people.yaml"
    file.write_text("sources: [{id: people, write_keys: [people-key]}]")
    assert done(up, "apply", str(file))["written"] == ["source/people"]
    until(lambda: up.status("/v1/batch", {"batch": [], "writeKey": "people-key"}), 200)
    return "people-key"


FORGOTTEN = "SELECT sum(events) FROM ledger WHERE source = 'people' AND outcome = 'forgotten'"
BALANCE = """
SELECT (SELECT sum(events) FROM ledger WHERE source = 'people' AND outcome = 'accepted')
     + (SELECT count() FROM dead_letters WHERE source = 'people' AND stage = 'collector')
     = (SELECT count() FROM events_resolved WHERE source = 'people')
     + (SELECT count() FROM dead_letters WHERE source = 'people')
     + (SELECT sum(events) FROM ledger WHERE source = 'people' AND outcome IN ('duplicate', 'forgotten'))"""


def _balances(up: Up) -> None:
    """Accepted is stored, refused, or forgotten: what was deleted is accounted for."""
    until(lambda: up.ask(BALANCE), [[1]])


KIM: list[Call] = [
    {
        "type": "identify", "anonymousId": "kims-desk", "userId": "kim-3", "traits": {"email": "kim@cut.example"},
        "timestamp": at(1),
    },
    {
        "type": "page", "anonymousId": "kims-sofa", "timestamp": at(2),
        "context": {"page": {"url": "https://shop.example/?email=kim@cut.example"}},
    },
]  # fmt: skip


def a_link_is_cut_and_an_address_blocked(up: Up, folder: Path) -> None:
    send(up, KIM, "kim")
    until(lambda: (len(people(up, "kim-%")), profiles(up, "kim-%")), (2, 1))
    told = refused(up, "unlink", "a:kims-sofa", "u:kim-3")
    assert "stitchline unlink" in told, "the pairs that can be cut are named"

    cut = done(up, "unlink", "e:kim@cut.example", "u:kim-3")
    assert cut["still_one_person_by"] == []
    until(lambda: profiles(up, "kim-%"), 2)
    send(up, KIM, "kim-again")
    until(lambda: len(people(up, "kim-%")), 4)
    assert done(up, "orders", "resend")["orders"] >= 1
    assert profiles(up, "kim-%") == 2, "what is cut stays cut, whatever is sent again"

    file = folder / "blocked.yaml"
    file.write_text("blocked_ids: [{ids: ['e:kim@cut.example']}]")
    assert len(done(up, "apply", str(file))["blocked"]) == 1
    sql = "SELECT DISTINCT profile = subject FROM events_resolved WHERE anonymous_id = 'kims-sofa'"
    until(lambda: up.ask(sql), [[1]])  # nobody's address: the sofa's visitor is somebody of their own
    assert done(up, "apply", str(file))["blocked"] == [], "a file may be applied again"
    send(up, KIM, "kim-later")
    until(lambda: len(people(up, "kim-%")), 6)
    assert up.ask(sql) == [[1]]


LEE: list[Call] = [
    {
        "type": "identify", "anonymousId": "lees-desk", "userId": "lee-4", "traits": {"email": "lee@late.example"},
        "timestamp": at(day),
    }
    for day in (1, 5)
]  # fmt: skip


def later_history_stays_until_it_is_forgotten_too(up: Up) -> None:
    """The later links had been folded into the earlier ones: they are told again."""
    send(up, LEE, "lee")
    until(lambda: (len(people(up, "lee-%")), profiles(up, "lee-%")), (2, 1))
    receipt = done(up, "forget", "u:lee-4", "--until", at(3), "--yes")
    assert (receipt["deleted"]["events"], receipt["stated_again"]) == (1, 2)
    sql = "SELECT anonymous_ids, emails, events FROM profiles WHERE user_id = 'lee-4'"
    until(lambda: up.ask(sql), [[["lees-desk"], ["lee@late.example"], 1]])

    receipt = done(up, "forget", "e:lee@late.example", "--suppress", "--yes")
    assert (receipt["deleted"]["events"], receipt["orders"]["suppress"], receipt["left"]) == (1, 3, [])
    send(up, [{"type": "page", "anonymousId": "lees-desk"}], "lee-back")
    until(lambda: up.ask("SELECT anonymous_id FROM events_resolved WHERE message_id = 'lee-back-0'"), [[""]])
