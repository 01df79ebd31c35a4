"""What firings cost: agent `actions` alone, state in memory, CPU time of one thread.

Firings that go straight to sending, and the results that end them, in messages of fifty; and templates by themselves.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec

from processors.actions.actions_agent import Actions
from processors.actions.templates import compiled_rule, request_bytes
from schemas.actions.action_work import Firing, Person, Result, decode_due, encode_work
from schemas.actions.requests import WebhookRequest
from schemas.events.rule_event import RuleEvent, encode_rule_event
from schemas.stream import InputRecord
from schemas.topics import ACTIONS_DUE
from tests.bench.figures import Figure

FIRINGS, ROUNDS, PER_MESSAGE, MESSAGES_PER_CHUNK = 4_000, 5, 50, 10
NOW = 1_714_900_000_000
RATE_MIN = 2_000
_BODY = {
    "email": "{{ profile.email }}",
    "value": "{{ event.properties.value }}",
    "text": "{{ profile.traits.name | default: 'Hello' }}, you left {{ event.properties.products | size }} things",
    "first": "{{ event.properties.products | map: 'name' | first }}",
    "when": "{{ event.timestamp | date: '%d.%m.%Y' }}",
}


def rule(body: dict[str, Any] | None, **limits: Any) -> bytes:
    webhook: dict[str, Any] = {"destination": "crm"} | ({"body": body} if body else {})
    said = {"rule": "welcome", "trigger": {"event": {"event": "Seen"}}, "action": {"webhook": webhook}}
    return msgspec.json.encode(said | {"limits": limits})


def firings(document: bytes, count: int) -> list[Firing]:
    products = [
        {"product_id": f"p-{number}", "name": "Blue chair", "price": 49.9, "quantity": 1}
        for number in range(3)
    ]
    event = RuleEvent(
        type="track",
        event="Cart Abandoned",
        message_id="ajs-next-1714900000000-000000000001",
        timestamp="2024-05-05T10:00:00.123Z",
        anonymous_id="6f1c1c5e-7a37-4d5a-9d6b-000000000001",
        properties={"cart_id": "c-1", "value": 149.7, "currency": "EUR", "products": products},
        context={"page": {"url": "https://shop.example/cart", "title": "Cart"}, "locale": "de-DE"},
    )
    person = Person(profile_id="00000000000000ff", email="ann@shop.example", traits={"name": "Ann"})
    text = encode_rule_event(event)
    return [
        Firing(
            id=f"fire_{number:032x}",
            workspace="main",
            rule=document,
            rule_version="0123456789abcdef",
            occurrence=f"0-{number}-0",
            message_id=event.message_id,
            source="shop",
            subject=number + 1,
            profile=number + 1,
            at=NOW,
            seen_at=NOW,
            confirmed_at=NOW + 500,
            event=text,
            person=person,
        )
        for number in range(count)
    ]


def chunks(items: Sequence[Firing | Result]) -> list[list[InputRecord]]:
    values = [encode_work(items[at : at + PER_MESSAGE]) for at in range(0, len(items), PER_MESSAGE)]
    records = [InputRecord(number, NOW + 1_000, None, value) for number, value in enumerate(values)]
    return [records[at : at + MESSAGES_PER_CHUNK] for at in range(0, len(records), MESSAGES_PER_CHUNK)]


def one_round(items: Sequence[Firing]) -> tuple[float, dict[bytes, bytes]]:
    """CPU seconds, and the state when all have ended."""
    step = Actions(hash_key=bytes(16), partitions=16, result_wait_s=600)
    state: dict[bytes, bytes] = {}
    step(0, [InputRecord(0, NOW, None, encode_work(tick=NOW))], state)
    fired = chunks(items)
    began = time.process_time()
    outputs = [each for chunk in fired for each in step(0, chunk, state)]
    taken = time.process_time() - began
    dues = [decode_due(each.value) for each in outputs if each.topic == ACTIONS_DUE.name]
    assert len(dues) == len(items)
    ended = chunks([_delivered(due.id) for due in dues])
    began = time.process_time()
    for chunk in ended:
        step(0, chunk, state)
    return taken + time.process_time() - began, state


def _delivered(firing_id: str) -> Result:
    return Result(
        id=firing_id,
        attempt=1,
        outcome="delivered",
        status=200,
        error="",
        answer="ok",
        started_at=NOW + 1_000,
        took_ms=20,
    )


def figures(count: int = FIRINGS, rounds: int = ROUNDS) -> Iterator[Figure]:
    for name, document in (
        ("a firing, sent and done", rule(None)),
        ("the same with a body, a cap and once", rule(_BODY, caps=[{"max": 3, "within": "1d"}], once=True)),
    ):
        items = firings(document, count)
        one_round(items)
        us = statistics.median(one_round(items)[0] for _ in range(rounds)) / count * 1e6
        yield _figure(f"{name}: CPU", us, "us")
        yield _figure(f"{name}: rate", 1e6 / us, "firings/s", at_least=RATE_MIN)
    _, state = one_round(firings(rule(None), count))
    left = sum(len(key) + len(value) for key, value in state.items() if key[:1] in (b"f", b"i"))
    yield _figure("left of a firing that has ended", left / count, "B")
    timers = sum(len(key) + len(value) for key, value in state.items() if key[:1] == b"d")
    yield _figure("its timers", timers / count, "B")
    for name, body in (("default body", None), ("five templates", _BODY)):
        firing = firings(rule(body), 1)[0]
        yield _figure(f"a webhook filled in, {name}", _us_each(partial(_fill, firing), 2_000), "us")


def _fill(firing: Firing) -> bytes:
    made = compiled_rule(firing.rule).made(firing)
    assert isinstance(made, WebhookRequest)
    return request_bytes(made)


def _us_each(do: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(times // ROUNDS):
            do()
        taken.append((time.process_time() - began) / (times // ROUNDS) * 1e6)
    return statistics.median(taken)


def _figure(name: str, value: float, unit: str, at_least: float | None = None) -> Figure:
    rounded = round(value, 1) if value < 100 else round(value)
    return Figure(stage="actions", name=name, value=rounded, unit=unit, at_least=at_least)
