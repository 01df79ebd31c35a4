"""Whatever is sent, and whatever its visitor wants: there is a reply, every event is accounted for, and nobody is named who
is not to be named."""

import json
from itertools import product
from typing import Any, Literal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.daily import daily_id
from collector.exchange import Intake, Request
from collector.intake import accept
from collector.privacy import Wishes
from schemas.events.pack import Connection
from schemas.sources.sources import ConsentRules, Privacy, Source
from tests.collector.test_intake import LIMITS, NOW, SHOP, basic, ids
from tests.collector.test_intake_properties import BODIES, JSON

SALT = b"s" * 32
BROWSER = Connection(address="203.0.113.77", is_browser=True, user_agent="Firefox")
BEFORE: list[Literal["wait", "cookieless", "send"]] = ["wait", "cookieless", "send"]
DENIED: list[Literal["drop", "cookieless"]] = ["drop", "cookieless"]
RULES = [
    None,
    *(
        ConsentRules(categories=["analytics"], needed="analytics", before=before, denied=denied)
        for before, denied in product(BEFORE, DENIED)
    ),
]
SOURCES = st.builds(
    lambda privacy, consent: msgspec.structs.replace(SHOP, privacy=privacy, consent=consent),
    st.builds(
        Privacy,
        gpc=st.sampled_from(["cookieless", "drop", "ignore"]),
        cookieless=st.booleans(),
        address=st.sampled_from(["keep", "truncate", "drop"]),
    ),
    st.sampled_from(RULES),
)
WISHES = st.none() | st.builds(Wishes, gpc=st.booleans(), cookieless=st.booleans(), optout=st.booleans())
CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "traits": JSON,
        "externalIds": JSON,
        "ip": st.sampled_from(["198.51.100.7", "x", ""]),
        "consent": st.fixed_dictionaries({"categoryPreferences": st.dictionaries(st.just("analytics"), JSON)})
        | JSON,
    },
)
NAMED = st.fixed_dictionaries(
    {"type": st.sampled_from(["track", "page", "identify", "alias"])},
    optional={
        "anonymousId": st.just("secret") | JSON,
        "userId": st.just("secret") | JSON,
        "traits": st.just({"email": "secret@shop.example"}) | JSON,
        "context": CONTEXTS | JSON,
    },
)
BATCHES = st.lists(NAMED, max_size=4).map(lambda batch: json.dumps({"batch": batch}).encode())


def taken(body: bytes, source: Source, wishes: Wishes | None) -> Intake:
    request = Request(
        method="POST",
        path="/v1/batch",
        body=body,
        authorization=basic("good"),
        connection=BROWSER,
        wishes=wishes,
        salt=SALT,
    )
    return accept(request, now=NOW, ids=ids(), sources={"good": source}.get, limits=LIMITS)


@settings(max_examples=100, deadline=None)
@given(BODIES | BATCHES, SOURCES, WISHES)
def test_every_event_is_kept_refused_or_counted(body: bytes, source: Source, wishes: Wishes | None) -> None:
    plain, guarded = taken(body, SHOP, None), taken(body, source, wishes)
    assert len(plain.events) + len(plain.letters) == len(guarded.events) + len(guarded.letters) + sum(
        guarded.dropped.values()
    )
    assert guarded.reply.status == 200 or guarded.reply == plain.reply


@settings(max_examples=100, deadline=None)
@given(BATCHES, SOURCES, WISHES)
def test_nobody_is_named_who_is_not_to_be(body: bytes, source: Source, wishes: Wishes | None) -> None:
    name = daily_id(SALT, source, BROWSER)
    for event in taken(body, source, wishes).events:
        said: dict[str, Any] = json.loads(event.payload)
        if event.seen is None or "cookieless" not in event.seen.signals:
            continue
        assert said["anonymousId"] == name
        assert event.routing == f"main|a:{name}".encode()
        assert b"secret" not in event.payload
        assert b"198.51.100.7" not in event.payload
        assert event.connection is not None
        assert event.connection.address in ("", "203.0.113.0")
