"""Carts on a running stack: one is abandoned, of the other the person has ordered, by a server and under another identifier."""

from typing import Any

from runtime.environment.settings import KafkaSettings
from runtime.streams.progress import Progress
from schemas.topics import CARTS_CANDIDATES, EVENTS_RAW
from sinks.storing.tables import SINKS
from tests.pipeline.up import SETTLE_S, Up, until

FIRED = "SELECT anonymous_id, user_id, toString(properties.cart_id), source FROM events WHERE event = 'Cart Abandoned'"
STATUS = (
    "SELECT cart_id, status, value FROM carts WHERE cart_id IN ('cart-gus', 'cart-hana') ORDER BY cart_id"
)


def a_cart_is_abandoned_unless_its_owner_has_ordered(up: Up) -> None:
    ((then, later),) = up.ask(
        "SELECT formatDateTime(now('UTC') - INTERVAL 2 HOUR, '%FT%TZ'), formatDateTime(now('UTC') - INTERVAL 1 HOUR, '%FT%TZ')"
    )
    contact = {"externalIds": [{"type": "contact_id", "id": "hana-55"}]}
    calls: list[dict[str, Any]] = [
        _added("gus", then),
        _added("hana", then),
        {"type": "identify", "anonymousId": "hana-phone", "userId": "hana", "context": contact},
        {"type": "track", "event": "Order Completed", "timestamp": later, "context": contact,
         "properties": {"order_id": "o-hana", "total": 16, "currency": "EUR"}},
    ]  # fmt: skip
    batch = [call | {"messageId": f"basket-{number}"} for number, call in enumerate(calls)]
    assert up.post("/v1/batch", {"batch": batch}) == 200
    until(lambda: up.ask(STATUS), [["cart-gus", "abandoned", 16], ["cart-hana", "ordered", 16]])
    until(lambda: up.ask("SELECT uniqExact(cart_id) FROM cart_states WHERE toUnixTimestamp64Milli(candidate_at) > 0 "
                         "AND cart_id IN ('cart-gus', 'cart-hana')"), [[2]])  # fmt: skip
    _all_is_confirmed(up)
    assert up.ask(FIRED) == [["gus-phone", "", "cart-gus", "dev"]]


def _added(who: str, when: str) -> dict[str, Any]:
    mug = {"product_id": "mug", "name": "Mug", "price": 8, "quantity": 2, "currency": "EUR"}
    return {
        "type": "track", "event": "Product Added", "anonymousId": f"{who}-phone", "timestamp": when,
        "properties": mug | {"cart_id": f"cart-{who}"},
    }  # fmt: skip


def _all_is_confirmed(up: Up) -> None:
    """What was fired is stored, and nothing is left that might fire."""
    progress = Progress(KafkaSettings(bootstrap_servers=up.addresses["kafka"]), SETTLE_S)
    progress.wait_stored({"abandoned": ("g1-sink-abandoned", CARTS_CANDIDATES)})
    progress.wait_processed(progress.ends(EVENTS_RAW))
    events = SINKS["events"]
    progress.wait_stored({"events": (events.group("", "g1"), events.topic)})
