"""Identifiers that are none, or that look alike: what becomes of each, and the remark that the ledger counts for it."""

import unicodedata
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.events.mentions import mentions
from processors.events.parsed import ParsedEvent, parse
from processors.events.times import EPOCH, TIME_MAX
from schemas.events.remarks import Remark
from schemas.identity.identifiers import external_ids, node_key
from tests.processors.driver import RECEIVED, Pipeline, packed

LONG, LONGEST = "x" * 256, "x" * 255
D = b"main|a:d1"


def external(kind: str, value: object) -> dict[str, Any]:
    return {"context": {"externalIds": [{"type": kind, "id": value}]}}


def identify(email: object, **call: Any) -> dict[str, Any]:
    return {"type": "identify", "traits": {"email": email}} | call


ODD: list[tuple[str, dict[str, Any], list[Remark]]] = [
    ("a user id of 256 bytes", {"userId": LONG}, [Remark.ID_TOO_LONG]),
    ("a user id of 86 characters of three bytes", {"userId": "\u20ac" * 86}, [Remark.ID_TOO_LONG]),
    ("an external id of 256 bytes", external("crm", LONG), [Remark.ID_TOO_LONG]),
    ("an external id whose type is as long", external(LONG, "7"), [Remark.ID_TOO_LONG]),
    ("an e-mail of 256 bytes and more", identify(f"{LONG}@x.io"), [Remark.ID_TOO_LONG]),
    ("a user id that names nobody", {"userId": "undefined"}, [Remark.ID_BLOCKED]),
    ("an external id that names nobody", external("crm", "null"), [Remark.ID_BLOCKED]),
    ("an e-mail that is none", identify("ann(at)x.io"), [Remark.EMAIL_MALFORMED]),
    ("an e-mail that is no text", identify({"home": "ann@x.io"}), [Remark.EMAIL_MALFORMED]),
    ("an e-mail that is none, in the context", {"context": {"traits": {"email": "ann@x"}}}, [Remark.EMAIL_MALFORMED]),
    ("the previous id of an alias", {"type": "alias", "previousId": "undefined"}, [Remark.ID_BLOCKED]),
    ("the previous id of an alias, of 256 bytes", {"type": "alias", "previousId": LONG}, [Remark.ID_TOO_LONG]),
    ("several of them, each once", {"userId": LONG} | identify("x", context={"traits": {"email": "y"}}),
     [Remark.ID_TOO_LONG, Remark.EMAIL_MALFORMED]),
    ("an e-mail that is empty is absent", identify(""), []),
    ("a time before 1970", {"timestamp": "1969-12-31T23:59:59Z"}, [Remark.TIME_UNUSABLE]),
    ("a time after 2199", {"originalTimestamp": "2200-01-01T00:00:00Z"}, [Remark.TIME_UNUSABLE]),
    ("a time that is none", {"timestamp": "yesterday"}, [Remark.TIME_UNUSABLE]),
    ("the first moment", {"timestamp": "1970-01-01T00:00:00Z"}, []),
    ("the last moment", {"timestamp": "2199-12-31T23:59:59.999Z"}, []),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "call", "remarks"), ODD, ids=[line[0] for line in ODD])
def test_an_event_is_kept_under_its_other_ids_and_the_ledger_says_what_was_left_aside(
    sentence, call, remarks
):
    pipeline = Pipeline().send([packed({"type": "track", "messageId": "m1", "anonymousId": "d1"} | call)])
    (event,) = pipeline.resolved
    assert (event["anonymous_id"], event["user_id"]) == ("d1", "")
    assert [found["kind"] for found in event["identifiers"]] == ["a"]
    assert pipeline.records["identity.pointers"] == []
    assert pipeline.ledger() == {"accepted": 1, "resolved": 1} | dict.fromkeys(map(str, remarks), 1)


def test_an_anonymous_id_of_256_bytes_leaves_the_event_alone():
    events = [packed({"type": "track", "messageId": f"m{n}", "anonymousId": LONG}) for n in range(2)]
    pipeline = Pipeline().send(events)
    assert len(set(pipeline.profiles().values())) == 2
    assert pipeline.ledger()["id_too_long"] == 2


def test_an_event_with_nothing_but_an_email_that_is_none_is_a_dead_letter():
    pipeline = Pipeline().send([packed(identify("ann", messageId="m1"))])
    (letter,) = pipeline.records["events.dead"]
    assert letter["reason"] == "no_identifier"


NFC, NFD = unicodedata.normalize("NFC", "Rene\u0301"), unicodedata.normalize("NFD", "Ren\u00e9")

ALIKE = [
    ("in case", {"userId": "Ann"}, {"userId": "ann"}),
    ("in their Unicode form", {"userId": NFC}, {"userId": NFD}),
    ("in their Unicode form, as external ids", external("crm", NFC), external("crm", NFD)),
    ("in where the colon stands", external("a:b", "c"), external("a", "b:c")),
    ("in an escape that stands there already", external("a:b", "c"), external("a%3Ab", "c")),
    ("in type", {"userId": "7"}, external("contact_id", "7")),
    ("in a character that nobody sees", {"userId": "ann"}, {"userId": "ann\u200b"}),
    ("in the dots of an e-mail", identify("a.nn@x.io"), identify("ann@x.io")),
]


@pytest.mark.parametrize(("sentence", "one", "other"), ALIKE, ids=[line[0] for line in ALIKE])
def test_ids_that_differ_are_different_people(sentence, one, other):
    calls = [one | {"anonymousId": "d1"}, other | {"anonymousId": "d2"}]
    events = [packed({"type": "track", "messageId": f"m{n}"} | call) for n, call in enumerate(calls)]
    assert len(set(Pipeline().send(events).profiles().values())) == 2


SAME = [
    ("the blanks around an id", {"userId": " ann\u00a0"}, {"userId": "ann"}),
    ("the case of an e-mail and the blanks around it", identify(" Ann@X.io"), identify("ann@x.io")),
    ("a number and its digits", {"userId": 7}, {"userId": "7"}),
    ("255 bytes", {"userId": LONGEST}, {"userId": LONGEST}),
]


@pytest.mark.parametrize(("sentence", "one", "other"), SAME, ids=[line[0] for line in SAME])
def test_ids_that_are_the_same_are_one_person(sentence, one, other):
    calls = [one | {"anonymousId": "d1"}, other | {"anonymousId": "d2"}]
    events = [packed({"type": "track", "messageId": f"m{n}"} | call) for n, call in enumerate(calls)]
    assert len(set(Pipeline().send(events).profiles().values())) == 1


@pytest.mark.parametrize("moment", [0, 1, RECEIVED - 1, RECEIVED + 1, 4_102_444_800_000, TIME_MAX - 1])
def test_facts_of_the_far_past_and_future_count_like_all_others(moment: int) -> None:
    """Backfill knows no window: a login makes all visits of the device that person's, whatever the times of both."""
    visits = [
        {"type": "page", "messageId": f"v{time}", "timestamp": _iso(time)}
        for time in (1, RECEIVED, TIME_MAX - 1)
    ]
    login = {"type": "identify", "messageId": "login", "timestamp": _iso(moment), "userId": "ann"}
    events = [packed(call | {"anonymousId": "d1"}) for call in (*visits, login)]
    assert len(set(Pipeline().send(events).profiles().values())) == 1


def _iso(milliseconds: int) -> str:
    return (EPOCH + timedelta(milliseconds=milliseconds)).isoformat()


types = st.text("ab:%3A25", min_size=1, max_size=6)


@given(st.tuples(types, types), st.tuples(types, types))
@settings(max_examples=300, deadline=None)
def test_no_two_external_ids_are_one_node(one, other):
    keys = [
        node_key("main", "x", f"{kind}:{value}")
        for entry in (one, other)
        for kind, value in external_ids({"externalIds": [{"type": entry[0], "id": entry[1]}]})
    ]
    assert (keys[0] == keys[1]) == (one == other)


def test_an_external_type_without_a_colon_is_written_as_it_is():
    event = parse(packed({"type": "track", "messageId": "m", "anonymousId": "d1"} | external("crm", "a:b")))
    assert isinstance(event, ParsedEvent)
    about = mentions(event, "m")
    assert about
    assert about.subject == b"main|x:crm:a:b"
