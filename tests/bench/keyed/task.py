"""The keyed-state task: what every contender reads and writes, and what must come out. Pure.

An event is some 300 bytes of JSON. For each one a contender looks its user up, adds one to the user's count and the event's
amount to the total, keeps both with a changelog, and answers with one JSON message. Which message carries the event differs:

- `pack`: a hundred events of one partition in the envelope that the collector writes; ours only.
- `array`: a JSON array of a hundred events of one partition; the same message for everybody.
- `single`: one event a message, its user the key; what Kafka Streams and Quix Streams are built for.
"""

import random
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from schemas.events.pack import PackedEvent, encode_pack

PARTITIONS = 8
KEYS = 100_000
START_MS = 1_767_348_000_000
PACK, ARRAY, SINGLE = "pack", "array", "single"
TEMPLATE = (
    b'{"messageId":"ajs-next-%012d","type":"track","event":"Product Viewed","userId":"user-%06d",'
    b'"timestamp":"2026-01-02T10:00:00.000Z","amount":%d,"properties":{"sku":"sku-%d","category":"shoes","position":%d,'
    b'"path":"/shoes/sku-%d","referrer":"https://shop.example/shoes?page=2","currency":"EUR"}}'
)


class Event(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """What the task needs of an event; the rest is passed over."""

    message_id: str
    user_id: str
    amount: int


class Answer(msgspec.Struct, rename="camel", frozen=True, gc=False):
    message_id: str
    user_id: str
    count: int
    total: int


class Message(msgspec.Struct, frozen=True):
    partition: int
    key: bytes | None
    value: bytes


class Made(msgspec.Struct, frozen=True, gc=False):
    """An event as it is sent, and what the oracle must know of it."""

    user: int
    amount: int
    json: bytes


def made(first: int, count: int) -> Iterator[Made]:
    """The events from number `first` on; the same ones for everybody."""
    chance = random.Random(first)  # noqa: S311 - a workload, no secret
    for number in range(first, first + count):
        user, amount = chance.randrange(KEYS), chance.randrange(10_000)
        yield Made(user, amount, TEMPLATE % (number, user, amount, user % 997, number % 40, user % 997))


def messages(events: Iterable[Made], shape: str, size: int) -> Iterator[Message]:
    """In the order in which they fill; `size` events in each, but that the last of a partition may have fewer."""
    filling: dict[int, list[Made]] = {}
    for event in events:
        partition = event.user % PARTITIONS
        members = filling.setdefault(partition, [])
        members.append(event)
        if len(members) == size:
            yield _message(partition, filling.pop(partition), shape)
    for partition, members in filling.items():
        yield _message(partition, members, shape)


def _message(partition: int, events: Sequence[Made], shape: str) -> Message:
    if shape == SINGLE:
        [event] = events
        return Message(partition, b"user-%06d" % event.user, event.json)
    if shape == ARRAY:
        return Message(partition, b"p%d" % partition, b"[" + b",".join(event.json for event in events) + b"]")
    return Message(partition, None, encode_pack([_packed(event) for event in events]))


def _packed(event: Made) -> PackedEvent:
    return PackedEvent(
        workspace="main",
        source="shop",
        routing=event.user.to_bytes(8, "big"),
        type="track",
        message_id=event.json[14:35].decode(),
        received_at=START_MS,
        sent_at="",
        context=b"",
        payload=event.json,
        unsigned_links=True,
    )


Totals = dict[str, tuple[int, int]]  # user -> (count, total)


def expected(events: Iterable[Made], totals: Totals) -> None:
    """What a contender must have answered last for each user."""
    for event in events:
        user = f"user-{event.user:06d}"
        count, total = totals.get(user, (0, 0))
        totals[user] = (count + 1, total + event.amount)


def last_answers(values: Iterable[bytes], totals: Totals) -> None:
    """The answer with the highest count of each user."""
    for value in values:
        answer = _decode(value)
        if answer.count > totals.get(answer.user_id, (0, 0))[0]:
            totals[answer.user_id] = (answer.count, answer.total)


_decode = msgspec.json.Decoder(Answer).decode
