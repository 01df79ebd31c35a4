"""Orders among the load: of each sender one person's second device is unlinked, and one person is forgotten, now and for ever.

Nobody else has their devices, so what must come of it is known event by event, whenever the orders came and whatever died
meanwhile: an unlinked device is its own, a forgotten person's events are stored under their own subjects or not at all. The same
orders are sent several times, as an order may be.
"""

from collections.abc import Iterable, Iterator

from confluent_kafka import Producer

from processors.identity.facts import encode_orders
from runtime.environment.settings import KafkaSettings
from schemas.events.pack import encode_pack
from schemas.identity.identifiers import node_id, node_key, partition_of, profile_id
from schemas.identity.orders import Erase, Forget, Order, Unlink
from schemas.topics import EVENTS_RAW, IDENTITY_FACTS
from tests.chaos.load import START_MS, MessageId, parse_id

FOR_EVER = START_MS + 10**10
UNLINKED, FORGOTTEN = ".7", ".8"  # how the names of these people end
SEND_S = 60.0


def is_unlinked(one: MessageId) -> bool:
    return _is_load(one) and one.person.endswith(UNLINKED)


def is_forgotten(one: MessageId) -> bool:
    return _is_load(one) and one.person.endswith(FORGOTTEN)


def _is_load(one: MessageId) -> bool:
    """Not a probe, which must be stored."""
    return ":probe" not in one.person


def profile_of(one: MessageId, hash_key: bytes) -> str:
    """Of an event whose person is unlinked or forgotten, if it is stored."""
    second = one.device.endswith("/1")
    own = not one.is_identify and (is_forgotten(one) or second)
    return profile_id(node_id(_device(one.device) if own else _user(one.person), hash_key))


def orders_for(senders: Iterable[str], hash_key: bytes) -> Iterator[tuple[bytes, Order]]:
    """With the key of the node that each speaks of."""
    for sender in senders:
        person = sender + UNLINKED
        device = _device(f"{person}/1")
        yield device, Unlink(node_id(device, hash_key), node_id(_user(person), hash_key))
        person = sender + FORGOTTEN
        for key in (_user(person), _device(f"{person}/0"), _device(f"{person}/1")):
            node = node_id(key, hash_key)
            yield key, Forget(node, FOR_EVER)
            yield key, Erase(node, 0, FOR_EVER)


def send(kafka: KafkaSettings, orders: Iterable[tuple[bytes, Order]]) -> None:
    """To all partitions that they concern; acknowledged when this returns."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "enable.idempotence": True})
    prefix = kafka.topic_prefix
    for key, order in orders:
        if not isinstance(order, Unlink):
            value = encode_pack([], [order])
            for partition in range(kafka.partitions):
                producer.produce(prefix + EVENTS_RAW.name, value, partition=partition)
        if not isinstance(order, Erase):
            home = partition_of(key, kafka.partitions)
            producer.produce(prefix + IDENTITY_FACTS.name, encode_orders([order]), partition=home)
    assert not producer.flush(SEND_S), "Kafka takes no orders"


def rightly_absent(ids: Iterable[str]) -> frozenset[str]:
    """Events that need not be stored."""
    return frozenset(text for text in ids if is_forgotten(parse_id(text)))


def disobeyed(profiles: Iterable[tuple[str, str]], accepted: Iterable[str], hash_key: bytes) -> list[str]:
    """Events that are stored under another profile than the orders leave them."""
    known = {one.device for one in map(parse_id, accepted) if one.is_identify}
    return [
        text
        for text, profile in profiles
        if profile not in _possible(parse_id(text), known, hash_key, profile)
    ]


def _possible(one: MessageId, known: set[str], hash_key: bytes, found: str) -> set[str]:
    """Any, where no order says anything, or where it is unsure whether the device said whose it is."""
    if is_forgotten(one) or (is_unlinked(one) and (one.device.endswith("/1") or one.device in known)):
        return {profile_of(one, hash_key)}
    return {found}


def _device(name: str) -> bytes:
    return node_key("main", "a", name)


def _user(name: str) -> bytes:
    return node_key("main", "u", name)
