"""Events that were stored without their identifiers: what they stated is told from what the client sent."""

import msgspec

from processors.identity.facts import ASSERTED, CLAIMED
from processors.identity.older import OlderRow, read_again
from processors.identity.stored import facts_again, keys_in
from tests.processors.driver import HASH_KEY, email_key

TIME = 1_714_000_000_000
ROW = OlderRow(
    workspace="main", source="shop", message_id="m1", type="page", event="", time=TIME, previous_id="",
    context="{}", envelope="{}",
)  # fmt: skip


def facts(**fields: str) -> list[tuple[bytes, bytes, int]]:
    event = read_again(msgspec.structs.replace(ROW, **fields), HASH_KEY)
    assert event is not None
    assert event.time == TIME
    return [(fact.node, fact.target, fact.strength) for fact in facts_again(event, keys_in([event]))]


def test_stated_and_claimed_ids_are_told_apart() -> None:
    login = '{"userId": "ann", "anonymousId": "d1", "timestamp": "2020-01-01T00:00:00Z"}'
    click = '{"anonymousId": "d1", "context": {"page": {"url": "https://x.example/?email=ann@x.io"}}}'
    assert facts(type="identify", envelope=login) == [(b"main|a:d1", b"main|u:ann", ASSERTED)]
    assert facts(envelope=click) == [(b"main|a:d1", email_key("ann@x.io"), CLAIMED)]


def test_the_batchs_context_counts_where_the_envelope_has_none() -> None:
    context = '{"traits": {"email": "ann@x.io"}}'
    assert facts(envelope='{"userId": "ann"}', context=context) == [
        (email_key("ann@x.io"), b"main|u:ann", ASSERTED)
    ]


def test_what_names_nobody_or_cannot_be_read_is_left_out() -> None:
    for envelope in ("{}", "[", ""):
        assert read_again(msgspec.structs.replace(ROW, envelope=envelope), HASH_KEY) is None
