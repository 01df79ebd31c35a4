"""What reaches Kafka of events whose visitor or source wants it kept back, and what the answer says."""

import base64
import itertools
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from collector.clicks import accept_click
from collector.daily import daily_id
from collector.exchange import Intake, Request
from collector.image import accept_image
from collector.intake import accept
from collector.introduction import introduce
from collector.limits import Limits
from collector.privacy import Wishes
from collector.replies import SUCCESS
from collector.visitor import CookieRules, visit
from schemas.events.pack import Connection, PackedEvent, Seen
from schemas.events.reasons import Reason
from schemas.sources.sources import ConsentRules, Privacy, Source
from schemas.wire.codec import decode

LIMITS = Limits(event_bytes_max=2_000, body_bytes_max=20_000, batch_events_max=10, shared_bytes_max=5_000)
SALT = b"s" * 32
BROWSER = Connection(address="203.0.113.77", is_browser=True, user_agent="Firefox")
SERVER = Connection(address="198.51.100.9")
KEPT = visit("v=kept", "https", CookieRules(name="v", days=365, secure="auto"))
RULES = ConsentRules(categories=["analytics", "ads"], needed="analytics")
SHOP = Source(id="shop", write_key_hashes=[])
GPC = Wishes(gpc=True)
YES = {"consent": {"categoryPreferences": {"analytics": True}}}
NO = {"consent": {"categoryPreferences": {"analytics": False}}}


def of(source: Source = SHOP, **changes: Any) -> Source:
    return msgspec.structs.replace(source, **changes)


def taken(
    body: object,
    source: Source = SHOP,
    *,
    path: str = "/v1/batch",
    read: Callable[..., Intake] = accept,
    limits: Limits = LIMITS,
    **more: Any,
) -> Intake:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields: dict[str, Any] = {"visit": KEPT, "connection": BROWSER, "salt": SALT} | more
    fields = {"method": "POST", "query": "writeKey=good", "body": raw} | fields
    ids = (f"made-{number}" for number in itertools.count())
    return read(Request(path=path, **fields), now=0, ids=ids, sources={"good": source}.get, limits=limits)


def batch(*events: dict[str, Any], **shared: Any) -> dict[str, Any]:
    return {"batch": [{"type": "track", "event": "E", **event} for event in events], **shared}


def name(source: Source = SHOP) -> str:
    return daily_id(SALT, source, BROWSER)


def said(event: PackedEvent) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(event.payload)
    return found


def test_a_cookieless_event_has_the_days_name_and_nothing_that_the_browser_kept() -> None:
    events: list[dict[str, Any]] = [
        {
            "anonymousId": "mine",
            "messageId": "1",
            "properties": {"anonymousId": "mine", "x": 'a"nonymousId":"no"'},
        },
        {"messageId": "2"},
        {
            "anonymousId": 7,
            "messageId": "3",
            "userId": "ann",
            "previousId": "mine",
            "traits": {"email": "ann@shop.example"},
        },
    ]
    intake = taken(batch(*events, anonymousId="lent"), wishes=GPC)
    assert (intake.reply, intake.dropped, intake.is_cookieless) == (SUCCESS, {}, True)
    text = b"".join(event.payload for event in intake.events)
    assert b"mine" not in text
    assert b"lent" not in text
    assert b"kept" not in text
    assert [said(event)["anonymousId"] for event in intake.events] == [name()] * 3
    assert {event.routing for event in intake.events} == {f"main|a:{name()}".encode()}
    assert {event.seen for event in intake.events} == {Seen(signals=("gpc", "cookieless"))}
    assert [event.connection for event in intake.events] == [
        msgspec.structs.replace(BROWSER, address="203.0.113.0")
    ] * 3
    assert said(intake.events[0])["properties"]["x"] == 'a"nonymousId":"no"'
    assert set(said(intake.events[2])) == {"type", "event", "messageId", "anonymousId"}


def test_nobody_is_named_in_a_cookieless_event_nor_in_what_its_batch_lends() -> None:
    naming = {
        "traits": {"email": "ann@shop.example"},
        "externalIds": [{"type": "crm", "id": "7"}],
        "groupId": "g",
    }
    own, lent = batch({"context": {**naming, "locale": "de"}}), batch({}, context={**naming, "locale": "de"})
    (event,) = taken(own, wishes=GPC).events
    assert said(event)["context"] == {"locale": "de"}
    (event,) = taken(lent, wishes=GPC).events
    assert json.loads(event.context) == {"locale": "de"}
    (event,) = taken(batch({"context": ["traits"]}), wishes=GPC).events
    assert said(event)["context"] == ["traits"]


def test_calls_that_only_name_somebody_are_dropped_and_counted() -> None:
    calls = [{"type": kind, "userId": "ann", "groupId": "g"} for kind in ("identify", "group", "alias")]
    intake = taken(batch(*calls, {"messageId": "kept"}), wishes=GPC)
    assert ([event.message_id for event in intake.events], intake.dropped) == (["kept"], {"nameless": 3})


@pytest.mark.parametrize(
    ("source", "more"),
    [
        (of(privacy=Privacy(cookieless=True)), {}),
        (SHOP, {"wishes": Wishes(cookieless=True)}),
        (of(privacy=Privacy(dnt="cookieless")), {"wishes": Wishes(dnt=True)}),
    ],
)
def test_every_way_to_ask_for_it_gives_the_same(source: Source, more: dict[str, Any]) -> None:
    (event,) = taken(batch({"anonymousId": "mine"}), source, **more).events
    assert said(event)["anonymousId"] == name()


def test_a_server_speaks_for_others_and_keeps_their_ids() -> None:
    source = of(privacy=Privacy(cookieless=True))
    (event,) = taken(batch({"anonymousId": "mine"}), source, connection=SERVER, visit=None, wishes=GPC).events
    assert (said(event)["anonymousId"], event.connection, event.seen) == ("mine", SERVER, None)


def test_without_the_days_salt_the_request_comes_again() -> None:
    intake = taken(batch({}), wishes=GPC, salt=b"")
    assert (intake.reply.status, intake.reply.reason) == (503, Reason.KAFKA_UNAVAILABLE)
    assert "retry-after" in dict(intake.reply.headers)
    assert taken({}, path="/v1/visitor", read=introduce, wishes=GPC, salt=b"").reply.status == 503
    assert taken(batch({}), salt=b"").reply == SUCCESS


ADDRESSES = [
    # privacy.address -> of the connection, of context.ip
    ("keep", "203.0.113.77", "198.51.100.7"),
    ("truncate", "203.0.113.0", "198.51.100.0"),
    ("drop", "", ""),
]


@pytest.mark.parametrize(("setting", "connection", "ip"), ADDRESSES)
def test_an_address_is_cut_before_anything_is_made_of_it(setting: Any, connection: str, ip: str) -> None:
    """Of the connection, of an event, of a context that a batch lends, and of a dead letter."""
    source = of(privacy=Privacy(address=setting))
    own = {"anonymousId": "a", "context": {"ip": "198.51.100.7"}}
    bad = {"type": "nonsense", "context": {"ip": "198.51.100.7"}}
    intake = taken(batch(own, {"anonymousId": "a"}, bad, context={"ip": "198.51.100.7"}), source)
    assert [event.connection for event in intake.events] == [
        msgspec.structs.replace(BROWSER, address=connection)
    ] * 2
    assert said(intake.events[0])["context"]["ip"] == ip
    assert json.loads(intake.events[1].context)["ip"] == ip
    (letter,) = intake.letters
    assert json.loads(decode(letter.value)["payload"])["context"]["ip"] == ip
    assert [event.seen for event in intake.events] == [None, None]


def test_an_address_that_the_deployment_passes_nowhere_still_tells_visitors_apart() -> None:
    limits = msgspec.structs.replace(LIMITS, passes_address=False)
    (event,) = taken(batch({}), wishes=GPC, limits=limits).events
    assert (event.connection, said(event)["anonymousId"]) == (None, name())
    (other,) = taken(batch({"anonymousId": "a"}), limits=limits).events
    assert other.connection is None


def test_a_name_in_escaped_letters_is_one() -> None:
    body = rb'{"batch": [{"type": "page", "context": {"tr\u0061its": {"email": "a@b.c"}, "\u0069p": "198.51.100.7"}}]}'
    (event,) = taken(body, wishes=GPC).events
    assert said(event)["context"] == {"ip": "198.51.100.0"}


DROPS = [
    (SHOP, Wishes(optout=True), "optout"),
    (of(privacy=Privacy(gpc="drop")), GPC, "gpc"),
    (of(privacy=Privacy(dnt="drop")), Wishes(dnt=True), "dnt"),
]


@pytest.mark.parametrize(("source", "wishes", "reason"), DROPS)
def test_a_dropped_request_is_a_success_that_is_counted(source: Source, wishes: Wishes, reason: str) -> None:
    intake = taken(batch({}, {}, {"type": "nonsense"}), source, wishes=wishes, salt=b"")
    assert (intake.reply, intake.source, intake.dropped) == (SUCCESS, source, {reason: 3})
    assert (intake.events, intake.letters) == ([], [])
    unreadable = taken(b'{"writeKey":', source, wishes=wishes)
    assert (unreadable.events, unreadable.letters) == ([], [])
    call = base64.b64encode(json.dumps({"event": "E"}).encode()).decode()
    for data in (call, "no base64"):
        asked: dict[str, Any] = {
            "path": "/v1/pixel/track",
            "method": "GET",
            "query": f"writeKey=good&data={data}",
        }
        image = taken(b"", source, read=accept_image, wishes=wishes, **asked)
        assert (image.reply.status, image.events, image.letters, image.dropped) == (200, [], [], {reason: 1})


def test_nobody_unknown_is_dropped_in_silence() -> None:
    assert taken(batch({}), wishes=Wishes(optout=True), query="writeKey=bad").reply.status == 401


def test_each_event_of_a_batch_is_judged_by_what_it_says() -> None:
    source = of(consent=RULES)
    events: list[dict[str, Any]] = [
        {"messageId": "yes", "context": YES},
        {"messageId": "no", "context": NO},
        {"messageId": "none"},
    ]
    intake = taken(batch(*({"anonymousId": "mine", **event} for event in events)), source)
    assert (intake.reply, intake.dropped, intake.is_cookieless) == (SUCCESS, {"consent": 1}, True)
    granted, pending = intake.events
    assert (granted.message_id, granted.seen, granted.connection) == ("yes", Seen(state="granted"), BROWSER)
    assert said(granted)["anonymousId"] == "mine"
    assert (pending.message_id, pending.seen) == ("none", Seen(state="pending", signals=("cookieless",)))
    assert (said(pending)["anonymousId"], pending.routing) == (
        name(source),
        f"main|a:{name(source)}".encode(),
    )
    assert pending.connection == msgspec.structs.replace(BROWSER, address="203.0.113.0")


def test_a_batch_lends_its_consent_too() -> None:
    source = of(consent=RULES)
    assert taken(batch({}, {}, context=NO), source).dropped == {"consent": 2}
    granted = taken(batch({}, context=YES), source)
    assert [event.seen for event in granted.events] == [Seen(state="granted")]
    assert not granted.is_cookieless


@pytest.mark.parametrize(
    "context", [5, {"consent": 5}, {"consent": {"categoryPreferences": [True]}}, {"consent": {}}]
)
def test_what_says_nothing_about_consent_is_no_consent(context: object) -> None:
    (event,) = taken(batch({"context": context, "anonymousId": "mine"}), of(consent=RULES)).events
    assert event.seen == Seen(state="pending", signals=("cookieless",))


def test_a_source_may_keep_what_is_refused_without_a_cookie() -> None:
    source = of(consent=msgspec.structs.replace(RULES, denied="cookieless", before="send"))
    refused, undecided = taken(batch({"context": NO}, {"anonymousId": "mine"}), source).events
    assert refused.seen == Seen(state="denied", signals=("cookieless",))
    assert said(refused)["anonymousId"] == name(source)
    assert (said(undecided)["anonymousId"], undecided.seen) == ("mine", Seen(state="pending"))


def test_a_visitor_who_is_left_alone_gets_no_cookie_and_is_told_no_lasting_id() -> None:
    def told(source: Source = SHOP, **more: Any) -> tuple[str, bool]:
        reply = taken({"anonymousId": "said"}, source, path="/v1/visitor", read=introduce, **more).reply
        return json.loads(reply.body)["anonymousId"], "set-cookie" in dict(reply.headers)

    assert told() == ("kept", True)
    assert told(wishes=GPC) == (name(), False)
    assert told(wishes=Wishes(optout=True)) == ("said", False)
    assert told(of(privacy=Privacy(cookieless=True))) == (name(), False)
    assert told(of(privacy=Privacy(gpc="ignore")), wishes=GPC) == ("kept", True)


def test_a_withdrawal_takes_the_cookie_away() -> None:
    reply = taken({"forget": True}, path="/v1/visitor", read=introduce).reply
    assert json.loads(reply.body) == {"success": True, "anonymousId": ""}
    assert dict(reply.headers)["set-cookie"] == "v=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"


def test_a_link_leads_on_and_keeps_to_the_same() -> None:
    source = of(redirect_domains=["shop.example"])

    def clicked(**more: Any) -> Intake:
        return taken(
            b"",
            source,
            path="/r/good",
            read=accept_click,
            method="GET",
            query="to=https%3A%2F%2Fshop.example%2F&email=ann@shop.example",
            **more,
        )

    (known,), (nameless,) = clicked().events, clicked(wishes=GPC).events
    assert (said(known)["anonymousId"], said(nameless)["anonymousId"]) == ("kept", name(source))
    dropped = clicked(wishes=Wishes(optout=True))
    assert (dropped.events, dropped.dropped, dropped.reply.status) == ([], {"optout": 1}, 302)
