"""Steady load with a sequence: senders that POST batches, remember exactly what was answered, and send again what was not.

Every event has a message id `RUN:SENDER.PERSON:NUMBER`. A person's numbers grow, and the next batch of a sender leaves when the
last one was accepted, or given up: so the order in which a person's events were accepted is known. A client that got no answer
cannot know whether its events are there: it sends the same bytes again, as real clients do, and sometimes gives up.
"""

import base64
import http.client
import json
import threading
import time
from collections.abc import Iterator
from random import Random
from urllib.parse import urlsplit

import msgspec

PEOPLE = 12  # of one sender
EVENTS_PER_DEVICE = 8
START_MS = 1_767_225_600_000
RETRY_S = 0.2
GIVE_UP_SHARE = 0.05  # of the attempts that were not answered with 200
TIMEOUTS_S = (2.0, 15.0)  # a client that loses patience sooner than the collector, and one that does not
AUTHORISATION = "Basic " + base64.b64encode(b"dev:").decode()


class MessageId(msgspec.Struct, frozen=True):
    """Who sent what; `number` grows with each event of the person."""

    person: str
    number: int

    @property
    def device(self) -> str:
        return f"{self.person}/{self.number // EVENTS_PER_DEVICE % 2}"

    @property
    def is_identify(self) -> bool:
        """The fourth event that a device sends says whose it is."""
        return self.number % EVENTS_PER_DEVICE == 3

    def text(self) -> str:
        return f"{self.person}:{self.number}"


def parse_id(text: str) -> MessageId:
    person, number = text.rsplit(":", 1)
    return MessageId(person, int(number))


def event(one: MessageId) -> dict[str, object]:
    """The call: anonymous, but every eighth, which names the user."""
    call: dict[str, object] = {
        "type": "track",
        "event": "Seen",
        "messageId": one.text(),
        "anonymousId": one.device,
        "timestamp": START_MS + one.number * 1000,
        "properties": {"number": one.number},
    }
    if one.is_identify:
        call |= {"type": "identify", "userId": one.person, "traits": {"plan": "pro"}}
    return call


class Book:
    """What the clients know. Used by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.accepted: set[str] = set()
        self.unsure: set[str] = set()  # given up without an answer: there once, or not at all
        self.attempts = 0
        self.failures = 0

    def tried(self, status: int) -> None:
        with self._lock:
            self.attempts += 1
            self.failures += status != 200

    def accept(self, ids: list[str]) -> None:
        with self._lock:
            self.accepted.update(ids)

    def give_up(self, ids: list[str]) -> None:
        with self._lock:
            self.unsure.update(ids)


class Client:
    """One keep-alive connection, made again after a failure."""

    def __init__(self, url: str, book: Book, timeout_s: float) -> None:
        parts = urlsplit(url)
        self._address = parts.hostname or "", parts.port or 0
        self._book = book
        self._timeout_s = timeout_s
        self._connection: http.client.HTTPConnection | None = None

    def post(self, body: bytes) -> int:
        """The status; 0 when there was no answer."""
        status = self._try(body)
        self._book.tried(status)
        return status

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _try(self, body: bytes) -> int:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(*self._address, timeout=self._timeout_s)
        try:
            headers = {"Authorization": AUTHORISATION, "Content-Type": "application/json"}
            self._connection.request("POST", "/v1/batch", body, headers)
            reply = self._connection.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return 0
        return reply.status


def batch_of(ids: list[MessageId]) -> bytes:
    return json.dumps({"batch": [event(one) for one in ids]}).encode()


class Sender(threading.Thread):
    """Sends `batch` events every `pause_s`, until `stop` is set and the last batch is settled."""

    def __init__(self, name: str, client: Client, book: Book, pace: "Pace", random: Random) -> None:
        super().__init__(name=f"sender {name}", daemon=True)
        self._people = [f"{name}.{number}" for number in range(PEOPLE)]
        self._client = client
        self._book = book
        self._pace = pace
        self._random = random

    def run(self) -> None:
        numbers = dict.fromkeys(self._people, 0)
        due = time.monotonic()
        while not self._pace.stop.is_set():
            ids = []
            for _ in range(self._pace.batch):
                person = self._random.choice(self._people)
                ids.append(MessageId(person, numbers[person]))
                numbers[person] += 1
            self._settle(ids)
            due = max(due + self._pace.pause_s, time.monotonic())
            self._pace.stop.wait(max(0.0, due - time.monotonic()))
        self._client.close()

    def _settle(self, ids: list[MessageId]) -> None:
        texts, body = [one.text() for one in ids], batch_of(ids)
        while self._client.post(body) != 200:
            if self._random.random() < GIVE_UP_SHARE:
                self._book.give_up(texts)
                return
            time.sleep(RETRY_S)
        self._book.accept(texts)


class Pace(msgspec.Struct, frozen=True):
    """How fast each sender is, and when all end."""

    batch: int
    pause_s: float
    stop: threading.Event


class Load:
    """`senders` threads that send about `events_per_s` together."""

    def __init__(self, url: str, run: str, random: Random, *, events_per_s: int, senders: int = 6) -> None:
        self.book = Book()
        self._run = run
        self._url = url
        batch = 10
        self._pace = Pace(batch, batch * senders / events_per_s, threading.Event())
        self.names = [f"{run}:{number}" for number in range(senders)]
        self._senders = [
            self._sender(name, Random(random.random()))  # noqa: S311 - reproducible
            for name in self.names
        ]

    def _sender(self, name: str, random: Random) -> Sender:
        client = Client(self._url, self.book, random.choice(TIMEOUTS_S))
        return Sender(name, client, self.book, self._pace, random)

    def start(self) -> None:
        for sender in self._senders:
            sender.start()

    def finish(self, timeout_s: float) -> None:
        """Until every batch is accepted or given up."""
        self._pace.stop.set()
        end = time.monotonic() + timeout_s
        for sender in self._senders:
            sender.join(max(0.0, end - time.monotonic()))
            assert not sender.is_alive(), f"{sender.name} has no answer after {timeout_s:.0f} s"

    def probe(self, number: int, people: int, deadline: float) -> list[str]:
        """One event of each of so many new people, on all partitions; the ids, once they are accepted."""
        client = Client(self._url, self.book, TIMEOUTS_S[0])
        ids = [MessageId(f"{self._run}:probe{number}.{person}", 0) for person in range(people)]
        texts, body = [one.text() for one in ids], batch_of(ids)
        try:
            while client.post(body) != 200:
                if time.monotonic() > deadline:
                    raise TimeoutError("the collector accepts nothing")
                time.sleep(RETRY_S / 2)
        except TimeoutError:
            self.book.give_up(texts)
            raise
        finally:
            client.close()
        self.book.accept(texts)
        return texts


def by_person(ids: Iterator[str] | list[str] | set[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for text in ids:
        one = parse_id(text)
        found.setdefault(one.person, []).append(one.number)
    return found
