"""Tables with rows of whoever is forgotten, of others, and of later."""

from collections.abc import Iterator

import pytest

from deploy.orders.tables import Tables
from schemas.wire.codec import CART, DEAD_LETTER, DELIVERY, FIRING, RESOLVED_EVENT
from tests.deploy.orders.forgotten import ANN, BEFORE, BOB, EMAIL, LATE, TABLET, happened, letter
from tests.sinks.fired import delivery, firing
from tests.sinks.stage import START_MS, cart
from tests.sinks.stage import Tables as Stage


@pytest.fixture
def tables(clickhouse: str, database: str) -> Iterator[Tables]:
    stage = Stage(clickhouse, database)
    rows = [
        happened(1, ANN, EMAIL, type="identify", traits='{"email": "ann@mail.example", "plan": "pro"}'),
        happened(2, TABLET),
        happened(3, TABLET, time=START_MS + 501),
        happened(4, BOB, EMAIL),
        happened(5, ANN, EMAIL, time=LATE),
        happened(6, ANN, workspace="second"),
    ]
    letters = [letter('{"userId":"ann-1"}', stage) for stage in ("collector", "resolve")]
    letters += [letter('{"userId":"ann-1"}', "resolve", LATE), letter('{"userId":"bob-2"}', "resolve")]
    stage.insert("events_in", RESOLVED_EVENT, rows, "t1")
    stage.insert("dead_letters_in", DEAD_LETTER, letters[:2] + letters[3:], "t2")
    stage.insert(
        "dead_letters_in", DEAD_LETTER, [letter('{"userId": "ann-1", "late": 1}', "resolve", LATE)], "t3"
    )
    carts = [
        cart(1, subject=ANN, timestamp=BEFORE),
        cart(2, subject=ANN, timestamp=LATE),
        cart(3, subject=BOB),
    ]
    stage.insert("carts_in", CART, carts, "t4")
    fired = [
        firing(1, subject=ANN, profile=BOB),
        firing(2, subject=0, profile=EMAIL, seq=2),
        firing(3, subject=ANN, profile=ANN, occurred_at=LATE),
        firing(4, subject=BOB, profile=BOB),
        firing(5, subject=TABLET, profile=BOB, occurred_at=START_MS + 501),
    ]
    stage.insert("firings_in", FIRING, fired, "t5")
    stage.insert("deliveries_in", DELIVERY, [delivery(n, started_at=LATE) for n in range(1, 6)], "t6")
    listed = [
        ("main", "vip", ANN, 1),
        ("main", "vip", BOB, 1),
        ("second", "vip", ANN, 1),
        ("main", "b", TABLET, 1),
    ]
    stage.client.insert("lists", listed, column_names=["workspace", "list", "node", "version"])
    yield Tables(stage.client, "main", delete_timeout_s=60)
    stage.client.close()
