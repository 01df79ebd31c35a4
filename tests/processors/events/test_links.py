"""What the address of a page claims: signed links, unsigned parameters, and that nothing of either is stored."""

import hmac
import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.events.authority import CONTACT
from processors.events.mentions import Mentions, mentions
from processors.events.parsed import ParsedEvent, parse
from processors.identity.facts import ASSERTED, CLAIMED, Fact, facts_of
from processors.resolver.resolve import Resolver
from schemas.events.links import CONTACT_ID, DAY_MS, EMAIL_HASH, Claim, LinkKey, sign
from schemas.events.pack import PackedEvent, encode_pack
from schemas.events.remarks import Remark
from schemas.identity.identifiers import hash_email
from schemas.stream import InputRecord
from schemas.wire.codec import decode
from tests.processors.driver import HASH_KEY, RECEIVED, Pipeline, call_of, email_key, packed
from tests.processors.histories import PATIENT, expected, shuffled, visits
from tests.processors.oracle import Visit

KEY, OLD = LinkKey("new", b"n" * 32), LinkKey("old", b"o" * 32)
TODAY = RECEIVED // DAY_MS
D, U = b"main|a:d1", b"main|u:ann"
C, E = b"main|x:contact_id:7", email_key("ann@x.io")


def token(who: str, *, workspace: str = "main", key: LinkKey = KEY, day: int = TODAY) -> str:
    claim = Claim(EMAIL_HASH, hash_email(who)) if "@" in who else Claim(CONTACT_ID, who)
    return sign(claim, workspace, key, day)


def with_blanks() -> str:
    """What the documentation's own function makes of such a contact; `sign` refuses it."""
    body = b"\x01" + TODAY.to_bytes(2, "big") + b" 7 "
    mac = hmac.digest(KEY.secret, b"stitchline link\0main\0" + body, "sha256")[:16]
    return urlsafe_b64encode(body + mac).rstrip(b"=").decode()


def visit(query: str, *, unsigned_links: bool = False, **call: Any) -> PackedEvent:
    page = {
        "type": "page",
        "messageId": "m1",
        "context": {"page": {"url": f"https://shop.example/a?{query}"}},
    }
    return packed(page | call, unsigned_links=unsigned_links)


def read(event: PackedEvent) -> tuple[ParsedEvent, Mentions | None]:
    parsed = parse(event)
    assert isinstance(parsed, ParsedEvent)
    return parsed, mentions(parsed, "m1", [KEY, OLD])


LINKS: list[tuple[str, str, list[bytes], list[Remark]]] = [
    ("a contact", f"_c={token('7')}", [C], [Remark.LINK_SIGNED]),
    ("an e-mail", f"x=1&_c={token('ann@x.io')}#top", [E], [Remark.LINK_SIGNED]),
    ("by an older key", f"_c={token('7', key=OLD)}", [C], [Remark.LINK_SIGNED]),
    ("by a key that is not configured", f"_c={token('7', key=LinkKey('x', b'x' * 32))}", [], [Remark.LINK_REFUSED]),
    ("on its last day", f"_c={token('7', day=TODAY)}", [C], [Remark.LINK_SIGNED]),
    ("after its last day", f"_c={token('7', day=TODAY - 1)}", [], [Remark.LINK_EXPIRED]),
    ("of another workspace", f"_c={token('7', workspace='blog')}", [], [Remark.LINK_REFUSED]),
    ("changed", f"_c={token('7')[:-2]}AA", [], [Remark.LINK_REFUSED]),
    ("a merge tag that was not filled in", f"_c={quote('*|STITCHLINE|*')}", [], [Remark.LINK_MALFORMED]),
    ("empty, as for a contact without a token", "_c=", [], []),
    ("the first of two", f"_c={token('7')}&_c={token('8')}", [C], [Remark.LINK_SIGNED]),
    ("the first of two, though it is wrong", f"_c=x&_c={token('8')}", [], [Remark.LINK_MALFORMED]),
    ("with an unsigned one beside it", f"_c={token('7')}&email=ann@x.io", [C],
     [Remark.LINK_SIGNED, Remark.LINK_UNSIGNED]),
    ("for a contact that names nobody", f"_c={token('undefined')}", [], [Remark.LINK_SIGNED, Remark.ID_BLOCKED]),
    ("for a contact with blanks around it, from an own program", f"_c={with_blanks()}", [C], [Remark.LINK_SIGNED]),
    ("broken by a line's end", f"_c={token('7')[:9]}\n{token('7')[9:]}", [], [Remark.LINK_MALFORMED]),
    ("unsigned", "email=ann@x.io", [], [Remark.LINK_UNSIGNED]),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "query", "nodes", "remarks"), LINKS, ids=[line[0] for line in LINKS])
def test_what_a_link_claims_where_unsigned_ones_do_not_count(sentence, query, nodes, remarks):
    _, about = read(visit(query, anonymousId="d1"))
    assert about
    assert about.subject == D
    assert [identifier.node for identifier in about.claimed] == nodes
    assert list(about.remarks) == remarks


@pytest.mark.parametrize("happened", ["2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"])
def test_a_link_is_judged_by_its_receipt_since_the_client_chooses_the_events_time(happened: str) -> None:
    _, late = read(visit(f"_c={token('7', day=TODAY - 1)}", anonymousId="d1", timestamp=happened))
    _, in_time = read(visit(f"_c={token('7')}", anonymousId="d1", timestamp=happened))
    assert late
    assert in_time
    assert (late.remarks, in_time.remarks) == ((Remark.LINK_EXPIRED,), (Remark.LINK_SIGNED,))


def test_where_unsigned_ones_count_the_signed_one_of_a_kind_goes_first():
    query = f"contact_id=8&email=ann@x.io&_c={token('7')}"
    _, about = read(visit(query, unsigned_links=True, anonymousId="d1"))
    assert about
    assert [identifier.node for identifier in about.claimed] == [C, E]
    assert about.remarks == (Remark.LINK_SIGNED,)


def test_a_signed_link_is_a_claim_and_no_assertion():
    event, about = read(visit(f"_c={token('7')}", anonymousId="d1"))
    assert about
    assert facts_of(event, about) == [Fact(D, C, RECEIVED, CLAIMED, True)]
    event, about = read(visit(f"_c={token('7')}", anonymousId="d1", userId="ann"))
    assert about
    assert facts_of(event, about) == [
        Fact(D, U, RECEIVED, ASSERTED, False),
        Fact(C, U, RECEIVED, CLAIMED, False),
    ]


def test_a_signed_link_says_whose_event_it_is_when_nothing_else_does():
    _, about = read(visit(f"_c={token('7')}"))
    assert about
    assert about.subject == C
    _, nobody = read(visit(f"_c={token('7', day=TODAY - 1)}"))
    assert nobody is None


@pytest.mark.parametrize("kind", ["identify", "group", "alias"])
def test_links_count_for_visits_alone(kind: str) -> None:
    _, about = read(visit(f"_c={token('7')}", type=kind, anonymousId="d1"))
    assert about
    assert (about.claimed, about.remarks) == ((), ())


@pytest.mark.parametrize(
    "value", ["*|UNIQID|*", "{{ person.KlaviyoID }}", "{{contact.id}}", "%%ContactKey%%", "[[id]]", "${id}"]
)
def test_a_merge_tag_that_was_not_filled_in_names_nobody(value: str) -> None:
    _, about = read(visit(f"contact_id={quote(value)}", unsigned_links=True, anonymousId="d1"))
    assert about
    assert about.claimed == ()


def stored(*events: PackedEvent) -> tuple[list[dict[str, Any]], dict[tuple[str, str], int]]:
    """Resolved events, and the ledger's sums by stage and outcome."""
    limits: dict[str, Any] = {"duplicate_window_days": 7, "duplicate_ids_per_key_max": 1_000}
    resolver = Resolver(hash_key=HASH_KEY, partitions=4, **limits).with_link_keys([KEY])
    outputs = resolver(0, [InputRecord(0, RECEIVED, None, encode_pack(list(events)))], {})
    sums: dict[tuple[str, str], int] = {}
    for entry in (decode(out.value) for out in outputs if out.topic == "ledger"):
        place = entry["stage"], entry["outcome"]
        sums[place] = sums.get(place, 0) + entry["events"]
    return [decode(out.value) for out in outputs if out.topic == "events.resolved"], sums


@pytest.mark.parametrize("kind", ["page", "track", "screen", "identify", "group", "alias"])
@pytest.mark.parametrize("unsigned_links", [True, False])
def test_nothing_of_a_link_is_stored_with_the_event(kind: str, unsigned_links: bool) -> None:
    signed = token("7")
    query = f"?x=1&_c={signed}&email=ann@x.io&em=fay%40x.io"
    page = {"url": f"https://s.example/a{query}", "search": query, "referrer": f"https://s.example/{query}"}
    call = {"type": kind, "messageId": "m1", "anonymousId": "d1", "userId": "u", "previousId": "d0",
            "properties": page | {"path": f"/a{query}", "kept": "ann"}, "context": {"page": page}}  # fmt: skip
    (event,), _ = stored(packed(call, unsigned_links=unsigned_links))
    texts = [event[name] for name in ("envelope", "context", "properties", "traits", "integrations")]
    for text in texts:
        assert signed not in text
        assert "x.io" not in text
    clean = json.loads(json.dumps(call).replace(f"&_c={signed}&email=ann@x.io&em=fay%40x.io", ""))
    assert json.loads(event["envelope"]) == clean
    assert json.loads(event["context"]) == clean["context"]
    assert json.loads(event["properties"]) == clean["properties"]


def test_nothing_of_a_link_is_stored_from_the_context_that_a_batch_shares():
    shared = b'{"page": {"url": "https://s.example/?em=ann@x.io&x=1"}}'
    (event,), _ = stored(packed({"type": "page", "messageId": "m1", "anonymousId": "d1"}, context=shared))
    assert event["context"] == '{"page": {"url": "https://s.example/?x=1"}}'
    assert [found["value"] for found in event["identifiers"]] == ["d1", "ann@x.io"]


def test_a_shared_context_that_is_not_used_may_be_any_bytes():
    event = visit("em=ann@x.io", unsigned_links=True, anonymousId="d1")
    (found,), _ = stored(packed(json.loads(event.payload), context=b"\xff\xfe"))
    assert "ann@x.io" not in found["envelope"]


def test_an_event_without_identity_parameters_is_stored_as_it_was_sent():
    payload = b'{ "type":"page" ,"anonymousId":"d1","context":{"page":{"url":"https:\\/\\/s.io\\/?a=1\\u0026b=2"}},"z":1.50 }'
    (event,), _ = stored(packed({"type": "page", "messageId": "m1"}, routing=D, payload=payload))
    assert event["envelope"].encode() == payload


def test_the_ledger_says_what_became_of_links_and_ids():
    events = [
        visit(f"_c={token('7')}", anonymousId="d1", messageId="1"),
        visit(f"_c={token('7', day=1)}", anonymousId="d1", messageId="2"),
        visit("email=a@x.io", anonymousId="d1", messageId="3"),
        visit("x=1", anonymousId="d1", messageId="4", userId="undefined"),
        visit("x=1", anonymousId="d1", messageId="5", userId="x" * 256),
        visit("x=1", anonymousId="d1", messageId="6", type="identify", traits={"email": "none"}),
    ]
    found, sums = stored(*events, events[0])
    assert len(found) == 6
    assert sums == {
        ("resolve", "accepted"): 7,
        ("resolve", "resolved"): 6,
        ("resolve", "duplicate"): 1,
        ("remarks", "link_signed"): 1,
        ("remarks", "link_expired"): 1,
        ("remarks", "link_unsigned"): 1,
        ("remarks", "id_blocked"): 1,
        ("remarks", "id_too_long"): 1,
        ("remarks", "email_malformed"): 1,
    }


@given(visits(), st.integers(0, 2**32))
@settings(PATIENT, max_examples=60)
def test_signed_links_join_people_as_plain_parameters_do_where_those_count(history, seed):
    """Whatever else people do, and in any order: the grouping is the one that the oracle finds for plain parameters."""
    history = [replace(visit, params=visit.params[:1]) for visit in history]
    pipeline = Pipeline(seed=seed)
    resolver = pipeline.steps["events.raw"]
    assert isinstance(resolver, Resolver)
    pipeline.steps["events.raw"] = resolver.with_link_keys([KEY])
    pipeline.send(packed(_signed(visit), unsigned_links=False) for visit in shuffled(history, seed))
    assert pipeline.profiles() == expected(history, [])


def _signed(visit: Visit) -> dict[str, Any]:
    call = call_of(visit)
    if visit.params:
        call["context"]["page"]["url"] = f"https://shop.example/?_c={token(visit.params[0][1])}"
    return call


pieces = st.sampled_from(
    ["?", "&", "=", "#", "%", "%3f", "%26", "%3D", "_c", "em", "email", "@x.io", ";", "[", "//", "\t"]
)


def test_no_name_is_read_that_stripping_leaves() -> None:
    """A browser leaves tabs out of an address before it sends it; what has one is no such parameter, for both."""
    event = visit("_c=x&e\tmail=ann@x.io", unsigned_links=True, anonymousId="d1")
    _, about = read(event)
    assert about
    assert about.claimed == ()


@given(st.lists(pieces | st.text(max_size=4), max_size=20).map("".join), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_address_is_read_without_an_error_and_what_is_stored_of_it_claims_nobody(url, unsigned_links):
    call = {"type": "page", "messageId": "m1", "anonymousId": "d1", "context": {"page": {"url": url}}}
    if not _encodes(url):
        return
    (event,), _ = stored(packed(call, unsigned_links=unsigned_links))
    kept = json.loads(event["context"])["page"]["url"]
    again = call | {"context": {"page": {"url": kept}}, "messageId": "m2"}
    (event,), sums = stored(packed(again, unsigned_links=unsigned_links))
    assert len(event["identifiers"]) == 1
    assert not [place for place in sums if place[0] == "remarks"]


def _encodes(value: str) -> bool:
    try:
        return value.encode() is not None
    except UnicodeEncodeError:
        return False


def test_the_contact_of_a_link_is_the_one_of_external_ids():
    _, about = read(visit("", anonymousId="d1", context={"externalIds": [{"type": CONTACT, "id": "7"}]}))
    assert about
    assert about.subject == C
