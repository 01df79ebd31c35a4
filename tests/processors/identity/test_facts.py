"""What one event says about people: its identifiers, its subject and its facts, as tables of calls."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.events.mentions import EXTERNAL_IDS_PER_EVENT_MAX, Mentions, mentions
from processors.events.parsed import ParsedEvent, parse
from processors.events.times import TIME_MAX
from processors.identity.facts import (
    ASSERTED,
    BOUNDARY,
    CLAIMED,
    MERGED,
    PACK_BYTES_MAX,
    Derivation,
    Fact,
    UnknownFactsVersion,
    decode_facts,
    encode_facts,
    facts_of,
)
from schemas.identity.identifiers import hash_email
from tests.processors.driver import email_key, packed

TIME = 1_714_000_000_000
U, D, C = b"main|u:ann", b"main|a:d1", b"main|x:contact_id:7"
HASH = hash_email("ann@x.io")
E, F = email_key("ann@x.io"), email_key("fay@x.io")
HASH = E.decode().partition("e:")[2]


def read(call: dict[str, Any], **fields: Any) -> tuple[ParsedEvent, Mentions | None]:
    known = {"type": "track", "messageId": "m1", "timestamp": TIME}
    event = parse(packed(known | call, **{"routing": b"main|a:d1"} | fields))
    assert isinstance(event, ParsedEvent)
    return event, mentions(event, "m1")


def page(query: str, **call: Any) -> dict[str, Any]:
    return {"type": "page", "context": {"page": {"url": f"https://shop.example/a?{query}"}}} | call


def external(*pairs: tuple[str, Any], **fields: Any) -> dict[str, Any]:
    return {"context": {"externalIds": [{"type": kind, "id": value, **fields} for kind, value in pairs]}}


SUBJECTS: list[tuple[str, dict[str, Any], bytes | None, list[bytes]]] = [
    ("a user id comes first", {"userId": "ann", "anonymousId": "d1"}, U, [U, D]),
    ("a number is a user id", {"userId": 7.0}, b"main|u:7", [b"main|u:7"]),
    ("user ids keep their case, not the blanks around them", {"userId": " Ann "}, b"main|u:Ann", [b"main|u:Ann"]),
    ("an anonymous id alone is its own subject", {"anonymousId": "d1"}, D, [D]),
    ("an identify's e-mail is an id", {"type": "identify", "anonymousId": "d1", "traits": {"email": " Ann@X.io "}}, E, [E, D]),
    ("a hashed e-mail is the same id",
     {"type": "identify", "anonymousId": "d1", "traits": {"email_sha256": HASH.upper()}}, E, [E, D]),
    ("an e-mail in clear goes before a hash",
     {"type": "identify", "anonymousId": "d1", "traits": {"email": "fay@x.io", "email_sha256": HASH}}, F, [F, D]),
    ("what is no hash names nobody", {"type": "identify", "anonymousId": "d1", "traits": {"email_sha256": "ann@x.io"}}, D, [D]),
    ("a hash that is no text names nobody",
     {"type": "identify", "anonymousId": "d1", "traits": {"email_sha256": [HASH]}}, D, [D]),
    ("a track's traits are not read", {"anonymousId": "d1", "traits": {"email": "ann@x.io"}}, D, [D]),
    ("a group's traits are the company's", {"type": "group", "anonymousId": "d1", "traits": {"email": "ann@x.io"}}, D, [D]),
    ("an e-mail among properties is another person's", {"anonymousId": "d1", "properties": {"email": "ann@x.io"}}, D, [D]),
    ("traits in the context are the person's in any call",
     {"userId": "ann", "context": {"traits": {"email": "ann@x.io"}}}, U, [U, E]),
    ("an e-mail without the shape of one is absent",
     {"type": "identify", "anonymousId": "d1", "traits": {"email": "ann"}}, D, [D]),
    ("the contact id comes before other external ids", external(("crm", "1"), ("contact_id", "7"), ("app", "2")), C,
     [C, b"main|x:app:2", b"main|x:crm:1"]),
    ("external ids of other collections are not people",
     {"anonymousId": "d1"} | external(("crm", "1"), collection="accounts"), D, [D]),
    ("an external id that is an object is none", {"anonymousId": "d1"} | external(("crm", {"id": 1})), D, [D]),
    ("a group id is no identifier", {"groupId": "acme"}, None, []),
    ("nothing says whose event this is", {"userId": None, "anonymousId": ""}, None, []),
    ("previousId alone is no identifier", {"type": "alias", "previousId": "d1"}, None, []),
    ("a blocked user id leaves the other ids", {"userId": "undefined", "anonymousId": "d1"}, D, [D]),
    ("with all ids blocked an event stays alone", {"userId": "null", "anonymousId": "0"}, b"main|m:m1", []),
    ("a blocked external id is ignored", {"anonymousId": "d1"} | external(("crm", "null")), D, [D]),
    ("an id of more than 255 bytes is ignored", {"userId": "x" * 256, "anonymousId": "d1"}, D, [D]),
    ("context and traits of another type say nothing", {"anonymousId": "d1", "context": [1], "traits": "ann@x.io"}, D, [D]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "call", "subject", "nodes"), SUBJECTS, ids=[line[0] for line in SUBJECTS]
)
def test_identifiers_and_subject(sentence, call, subject, nodes):
    _, about = read(call)
    assert (about.subject if about else None) == subject
    assert [identifier.node for identifier in about.stated] == nodes if about else nodes == []


def test_the_batchs_context_names_people_when_the_event_has_none():
    _, about = read({"anonymousId": "d1"}, context=b'{"traits": {"email": "ann@x.io"}}')
    assert about
    assert about.subject == E
    _, about = read({"anonymousId": "d1", "context": {}}, context=b'{"traits": {"email": "ann@x.io"}}')
    assert about
    assert about.subject == D


def test_external_ids_of_one_event_are_limited():
    _, about = read(external(*(("crm", str(number)) for number in range(1, 100))))
    assert about
    assert len(about.stated) == EXTERNAL_IDS_PER_EVENT_MAX


PARAMETERS: list[tuple[str, dict[str, Any], bytes | None, list[bytes]]] = [
    ("contact_id", page("contact_id=7", anonymousId="d1"), D, [C]),
    ("ecid is another name of it", page("ecid=7", anonymousId="d1"), D, [C]),
    ("email, escaped", page("x=1&email=Ann%40x.io", anonymousId="d1"), D, [E]),
    ("em, not escaped", page("em=ann@x.io#top", anonymousId="d1"), D, [E]),
    ("a plus stays a plus", page("em=a+b@x.io", anonymousId="d1"), D, [email_key("a+b@x.io")]),
    ("eh is the address's hash", page(f"eh={HASH.upper()}", anonymousId="d1"), D, [E]),
    ("the more authoritative first", page("email=ann@x.io&contact_id=7", anonymousId="d1"), D, [C, E]),
    ("the first of a name counts", page("email=ann@x.io&em=fay@x.io", anonymousId="d1"), D, [E]),
    ("alone it is the subject", page("contact_id=7"), C, [C]),
    ("what the event states is not claimed again", page("contact_id=7", userId="ann", context={
        "page": {"url": "https://s.example/?contact_id=7"}, "externalIds": [{"type": "contact_id", "id": "7"}]}), U, []),
    ("a blocked value is ignored", page("contact_id=undefined", anonymousId="d1"), D, []),
    ("no hash, no address", page("eh=abc&email=x", anonymousId="d1"), D, []),
    ("not in identify", {**page("contact_id=7", anonymousId="d1"), "type": "identify"}, D, []),
    ("in a fragment it is no parameter", page("x=1#?email=ann@x.io", anonymousId="d1"), D, []),
    ("of an address that is none the query counts all the same",
     {"type": "page", "anonymousId": "d1", "context": {"page": {"url": "http://[?em=ann@x.io"}}}, D, [E]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "call", "subject", "claimed"), PARAMETERS, ids=[line[0] for line in PARAMETERS]
)
def test_identity_parameters_of_the_page_address(sentence, call, subject, claimed):
    _, about = read(call)
    assert about
    assert about.subject == subject
    assert [identifier.node for identifier in about.claimed] == claimed


def test_parameters_count_only_when_the_source_accepts_unsigned_links():
    _, about = read(page("contact_id=7", anonymousId="d1"), unsigned_links=False)
    assert about
    assert about.claimed == ()
    _, nobody = read(page("contact_id=7"), unsigned_links=False)
    assert nobody is None


IDENTIFY = {"type": "identify", "userId": "ann", "anonymousId": "d1", "traits": {"email": "ann@x.io"}}

FACTS: list[tuple[str, dict[str, Any], list[Fact]]] = [
    ("one id states nothing", {"anonymousId": "d1"}, []),
    ("a track links without a stamp", {"userId": "ann", "anonymousId": "d1"}, [Fact(D, U, TIME, ASSERTED, False)]),
    ("an identify links all, with a stamp on the device's timeline", IDENTIFY,
     [Fact(E, U, TIME, ASSERTED, False), Fact(D, U, TIME, ASSERTED, True)]),
    ("a link's parameter claims the device", page("email=ann@x.io", anonymousId="d1"), [Fact(D, E, TIME, CLAIMED, True)]),
    ("several parameters claim the best of them", page("email=ann@x.io&contact_id=7", anonymousId="d1"),
     [Fact(D, C, TIME, CLAIMED, True), Fact(E, C, TIME, CLAIMED, False)]),
    ("beside a strong id a parameter is claimed for it", page("email=fay@x.io", userId="ann"),
     [Fact(F, U, TIME, CLAIMED, False)]),
    ("from less to more authority", page("contact_id=7", context={
        "page": {"url": "https://s.example/?contact_id=7"}, "traits": {"email": "ann@x.io"}}),
     [Fact(E, C, TIME, CLAIMED, False)]),
    ("an alias merges towards the smaller user id", {"type": "alias", "userId": "ann", "previousId": "zoe"},
     [Fact(b"main|a:zoe", U, TIME, ASSERTED, True), Fact(b"main|u:zoe", U, TIME, MERGED, False)]),
    ("in whatever direction it was said", {"type": "alias", "userId": "zoe", "previousId": "ann"},
     [Fact(b"main|a:ann", b"main|u:zoe", TIME, ASSERTED, True), Fact(b"main|u:zoe", U, TIME, MERGED, False)]),
    ("an alias to itself merges nobody", {"type": "alias", "userId": "ann", "previousId": "ann"},
     [Fact(b"main|a:ann", U, TIME, ASSERTED, True)]),
    ("an alias of a blocked id says nothing", {"type": "alias", "userId": "ann", "previousId": "null"}, []),
    ("an alias without a user says nothing", {"type": "alias", "anonymousId": "d1", "previousId": "ann"}, []),
    ("a logout is a boundary", {"event": " logged OUT", "anonymousId": "d1"}, [Fact(D, BOUNDARY, TIME, ASSERTED, True)]),
    ("after the link of the same moment", {"event": "Signed Out", "anonymousId": "d1", "userId": "ann"},
     [Fact(D, U, TIME, ASSERTED, False), Fact(D, BOUNDARY, TIME, ASSERTED, True)]),
    ("a logout without a device bounds nothing", {"event": "logout", "userId": "ann"}, []),
    ("a page of that name is no logout", {"type": "page", "name": "Logout", "event": "logout", "anonymousId": "d1"}, []),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "call", "expected"), FACTS, ids=[line[0] for line in FACTS])
def test_facts_of_an_event(sentence, call, expected):
    event, about = read(call)
    assert about
    assert facts_of(event, about) == expected


nodes = st.binary(max_size=20)
facts = st.builds(Fact, nodes, nodes, st.integers(0, TIME_MAX - 1), st.integers(0, 3), st.booleans())
told = st.dictionaries(nodes, st.tuples(st.integers(0, TIME_MAX - 1), st.integers(0, 3)), max_size=3)
derivations = st.builds(Derivation, nodes, nodes, st.integers(0, 2**60), told)


@given(st.lists(facts, max_size=9), st.lists(derivations, max_size=9))
def test_facts_come_back_from_their_message(some, others):
    (message,) = encode_facts(some, others)
    pack = decode_facts(message)
    assert (pack.facts, pack.derivations) == (some, others)


def test_a_pack_that_kafka_would_refuse_becomes_several_in_order():
    many = [
        Fact(b"main|a:" + b"d" * 200, b"main|u:" + b"u" * 200, number, ASSERTED, True)
        for number in range(5000)
    ]
    messages = list(encode_facts(many, []))
    assert all(len(message) <= PACK_BYTES_MAX for message in messages)
    assert [fact for message in messages for fact in decode_facts(message).facts] == many


def test_facts_of_a_later_release_are_refused():
    (message,) = encode_facts([], [])
    with pytest.raises(UnknownFactsVersion):
        decode_facts(message.replace(b"\x01", b"\x02", 1))
