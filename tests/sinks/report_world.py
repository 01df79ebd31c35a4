"""Some weeks of a shop made from a seed, for what reports say of it: people with several devices, devices of several people
(with a gap between them), bots, servers, ties, times about midnight of zones and the days on which clocks change. Who anybody is,
is known here from the start.
"""

from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import msgspec

from schemas.wire.codec import POINTER, RESOLVED_EVENT
from schemas.wire.stamps import NO_TOUCH, Commerce, Meaning, Touch
from sinks.storing.tables import DICTIONARIES
from tests.processors.visits import TOUCHES
from tests.sinks.shop import CANCELLED, COMPLETED, REFUNDED, UPDATED, plain
from tests.sinks.stage import Tables, event, pointer

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = int(datetime(2024, 3, 20, tzinfo=UTC).timestamp() * 1000)  # summer time begins on the 31st
DAYS = 45
USERS, ALONE, SHARED, BOTS = 14, 8, 4, 3
EVENTS = 1_400
STEPS = ("Alpha", "Beta", "Gamma")
ORDER_KINDS = (COMPLETED, COMPLETED, COMPLETED, UPDATED, REFUNDED, CANCELLED)
PAUSES = (0, 0, 1, MINUTE, 20 * MINUTE, 31 * MINUTE, 7 * HOUR, 26 * HOUR, 5 * DAY)
LATEST = 4_102_444_800_000  # 2100


class Node(msgspec.Struct, frozen=True):
    """An identifier: whose it is (by default nobody else's), or whose it was when."""

    number: int
    kind: str
    owner: int = 0
    shares: tuple[tuple[int, int, int], ...] = ()  # from, to, owner


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `visitor` 0: a server told of it."""

    number: int
    at: int
    node: Node
    type: str = "track"
    event: str = ""
    name: str = ""
    path: str = ""
    source: str = "web"
    visitor: int = 0
    device: str = "desktop"
    country: str = "DE"
    touch: Touch = NO_TOUCH
    commerce: Commerce = Commerce()
    violations: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"m{self.number:03}"

    @property
    def is_bot(self) -> bool:
        return self.device == "bot"

    @property
    def is_order(self) -> bool:
        return self.event in ORDER_KINDS

    @property
    def received(self) -> int:
        return self.at + self.number % 7 * 1_000

    @property
    def user_id(self) -> str:
        return str(self.node.number) if self.node.kind == "u" else ""


class World:
    """`profile` of an event is who did it, by name of the node that is the root."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - the content of a test
        self.users = [Node(100 + number, "u") for number in range(USERS)]
        emails = [Node(200 + number, "e", owner=100 + number) for number in range(0, USERS, 3)]
        owned = [Node(300 + number, "a", owner=100 + number % USERS) for number in range(USERS + 6)]
        alone = [Node(400 + number, "a") for number in range(ALONE)]
        bots = [Node(500 + number, "a") for number in range(BOTS)]
        shared = [
            Node(
                600 + number,
                "a",
                owner=600 + number,
                shares=(
                    (0, START + 15 * DAY, 100 + number),
                    (START + 20 * DAY + number, LATEST, 200 if number == 0 else 105 + number),
                ),
            )
            for number in range(SHARED)
        ]
        self.nodes = {node.number: node for node in (*self.users, *emails, *owned, *alone, *bots, *shared)}
        self._devices = [*owned, *alone, *bots, *shared]
        self._servers = [*self.users, *emails]
        self._clock = dict.fromkeys(self.nodes, 0)
        self.events = [self._event(number) for number in range(EVENTS)]

    def profile(self, one: Happened) -> int:
        """Whose the event is: its node's owner at its time, and on from there."""
        node = one.node
        owners = [owner for since, until, owner in node.shares if since <= one.at < until]
        number = owners[0] if owners else node.number
        while (found := self.nodes.get(number)) and found.owner not in (0, number):
            number = found.owner
        return number

    def is_known(self, profile: int) -> bool:
        return (
            profile in self.nodes and self.nodes[profile].kind != "a"
        )  # lone events are not among the nodes

    def _event(self, number: int) -> Happened:
        is_server = self._random.random() < 0.15
        node = self._random.choice(self._servers if is_server else self._devices)
        if self._random.random() < 0.01:
            node = Node(10_000 + number, "m")
        common: dict[str, Any] = {
            "number": number,
            "at": self._time(node),
            "source": "server" if is_server else self._random.choice(("web", "web", "app")),
            "violations": ("properties.price: left out, no number",) if self._random.random() < 0.1 else (),
        }
        if not is_server:
            common |= self._place(node)
            signed_in = self._random.random() < 0.1 and node.owner in self.nodes
            node = self.nodes[node.owner] if signed_in else node
        return Happened(node=node, **common, **self._act())

    def _time(self, node: Node) -> int:
        """Near the last one of this node, or near a midnight of Berlin or UTC."""
        before = self._clock.get(node.number, 0)
        if not before or self._random.random() < 0.1:
            midnight = START + self._random.randrange(DAYS) * DAY - self._random.choice((0, 1, 2)) * HOUR
            at = midnight + self._random.choice((-1, 0, 1, self._random.randrange(DAY)))
        else:
            at = before + self._random.choice(PAUSES)
        self._clock[node.number] = at if at < START + DAYS * DAY else START
        return at

    def _place(self, node: Node) -> dict[str, Any]:
        kind = "bot" if 500 <= node.number < 500 + BOTS else ("desktop", "mobile")[node.number % 2]
        touch = self._random.choice(TOUCHES) if self._random.random() < 0.2 else NO_TOUCH
        country = ("DE", "FR", "")[node.number % 3]
        return {"visitor": node.number, "device": kind, "country": country, "touch": touch}

    def _act(self) -> dict[str, Any]:
        drawn = self._random.random()
        if drawn < 0.25:
            return {"type": "page", "path": self._random.choice(("/", "/cart", "/cart/pay"))}
        if drawn < 0.35:
            return {"type": "screen", "name": self._random.choice(("Home", "Cart"))}
        if drawn < 0.4:
            return {"type": "identify"}
        if drawn < 0.85:
            return {"event": self._random.choice(STEPS)}
        commerce = Commerce(
            order_id=f"o{self._random.randrange(90)}",
            currency=self._random.choice(("EUR", "EUR", "", "USD", "CHF")),
            total=Decimal(self._random.randrange(1, 90_000_001)) / 1_000_000,
        )
        return {"event": self._random.choice(ORDER_KINDS), "commerce": commerce}


def record(one: Happened, workspace: str) -> bytes:
    stamps = {
        "touch": one.touch,
        "commerce": one.commerce,
        "meaning": Meaning(event=one.event if one.is_order else "", violations=one.violations),
    }
    page = {"page": {"url": f"https://www.Shop.example{one.path}?q=1", "path": one.path}} if one.path else {}
    return event(
        one.number,
        workspace=workspace,
        source=one.source,
        message_id=one.id,
        type=one.type,
        event=one.event,
        name=one.name,
        timestamp=one.at,
        received_at=one.received,
        user_id=one.user_id,
        subject=one.node.number,
        visitor=one.visitor,
        session_id="s" if one.visitor else "",
        context=msgspec.json.encode(page).decode(),
        device={
            "kind": one.device if one.visitor else "",
            "brand": "",
            "model": "",
            "os": "",
            "os_version": "",
            "browser": "",
            "browser_version": "",
            "is_bot": one.is_bot,
        },
        place={
            "address": "",
            "country": one.country if one.visitor else "",
            "region": "",
            "city": "",
            "timezone": "",
        },
        identifiers=[
            {"node": one.node.number, "kind": one.node.kind, "value": f"{one.node.kind}{one.node.number}"}
        ],
        **{name: plain(part) for name, part in stamps.items()},
    )


def pointers(world: World, workspace: str) -> list[bytes]:
    found = []
    for node in world.nodes.values():
        if node.owner:
            segments = [
                {"valid_from": since, "valid_to": until, "owner": owner}
                for since, until, owner in node.shares
            ]
            found.append(pointer(node.number, node.owner, segments=segments, workspace=workspace))
    return found


def stored(tables: Tables, world: World, workspace: str, *, is_doubled: bool) -> None:
    """Shuffled, in blocks. Each block comes again as a sink repeats it, or, doubled, as a block of its own."""
    shuffled = list(world.events)
    Random(workspace).shuffle(shuffled)  # noqa: S311 - the order of a test
    for at in range(0, len(shuffled), 900):
        values = [record(one, workspace) for one in shuffled[at : at + 900]]
        for again in range(2):
            token = f"{workspace}-{at}-{again if is_doubled else 0}"
            tables.insert("events_in", RESOLVED_EVENT, values, token)
    tables.insert("pointers_in", POINTER, pointers(world, workspace), f"{workspace}-pointers")
    tables.reload(DICTIONARIES)
