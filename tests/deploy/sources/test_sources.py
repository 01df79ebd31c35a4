"""How sources stand, as `stitchline sources` tells it: from the control topic and real tables."""

import uuid
from datetime import UTC, date, datetime

import pytest

from deploy.sources.sources import NoSuchSource, chosen, keys_of, standings, text_of
from schemas.configuration.configuration_file import parse_file
from schemas.control import ControlState
from schemas.sources.sources import hash_write_key
from schemas.wire.codec import RESOLVED_EVENT
from tests.sinks.stage import Tables, event

DAY_AFTER = 1_798_761_600_000  # 2027-01-01T00:00:00Z

STATE = ControlState(
    dict(
        parse_file(
            {
                "sources": [
                    {
                        "id": "shop",
                        "write_keys": ["new", {"key": "old", "until": date(2026, 12, 31)}],
                        "secret_keys": ["server"],
                        "allowed_origins": ["https://shop.example"],
                        "events_per_s_max": 200,
                        "quota": {"events_per_day_max": 100},
                    },
                    {"id": "blog", "write_keys": ["b"]},
                ]
            }
        )
    )
)


def test_keys_are_told_apart_by_the_beginning_of_their_hashes() -> None:
    source = STATE.source("shop")
    assert source
    found = list(keys_of(source, DAY_AFTER))
    assert [(key.kind, key.fingerprint) for key in found] == [
        (kind, hash_write_key(key)[:8])
        for kind, key in (("write", "new"), ("write", "old"), ("secret", "server"))
    ]
    assert [(key.ends, key.has_ended) for key in found] == [
        ("", False),
        ("2027-01-01T00:00:00Z", True),
        ("", False),
    ]
    assert not any(key.has_ended for key in keys_of(source, DAY_AFTER - 1))


def test_a_source_that_is_not_there_is_told() -> None:
    assert [source.id for source in chosen(STATE, "")] == ["blog", "shop"]
    with pytest.raises(NoSuchSource, match="only blog, shop"):
        chosen(STATE, "shopp")


def test_what_a_source_stored_is_counted(clickhouse: str) -> None:
    tables = Tables(clickhouse, f"sources_{uuid.uuid4().hex[:8]}")
    now = datetime.now(UTC)  # noqa: TID251 - the counts are of today
    minute = now.replace(second=0, microsecond=0)
    names = ["workspace", "source", "stage", "minute", "outcome", "events"]
    rows = [
        ["main", "shop", "resolve", minute, "resolved", 30],
        ["main", "shop", "resolve", minute, "dead", 5],
    ]
    tables.client.insert("ledger_in", rows, column_names=names)
    at = int(now.timestamp() * 1_000)
    seen = [
        event(number, source="shop", event=name, received_at=at, timestamp=at)
        for number, name in enumerate(["Product Viewed", "Product Viewed", "\x1b[31mRed"])
    ]
    tables.insert("events_in", RESOLVED_EVENT, seen, "one")
    (shop,) = standings(tables.client, STATE, chosen(STATE, "shop"), counted=True)
    today, month = shop.quotas
    assert (today.used, today.left, month.used, month.left) == (30, 70, 30, None)
    assert shop.last_event == minute.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert shop.counts is not None
    assert [(each.type, each.event, each.events) for each in shop.counts] == [
        ("track", "Product Viewed", 2),
        ("track", "\x1b[31mRed", 1),
    ]
    told = text_of(shop)
    assert "30 of 100 events stored, 70 left" in told
    assert "200 events/s" in told
    assert "\x1b" not in told, "a stranger's name of an event moves no cursor"
    blog, _ = standings(tables.client, STATE, chosen(STATE, ""), counted=False)
    assert (blog.id, blog.last_event, blog.counts) == ("blog", "", None)
    assert "none yet" in text_of(blog)
