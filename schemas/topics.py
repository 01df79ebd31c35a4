"""Every Kafka topic in one table. Names here are without the deployment's prefix; `Topic.full_name` adds it.

Partition counts never change within a generation: state, changelog and input of an agent share partition numbers.
"""

import msgspec

DAY_MS = 86_400_000
COMPACT, DELETE = "compact", "delete"
TOMBSTONES_MS = (
    DAY_MS  # how long a compacted topic still tells of a deletion; a copy older than that may have missed it
)
COMPACTION_LAG_MS = (
    7 * DAY_MS
)  # a value that was replaced is gone by then: an identifier, say, of somebody forgotten
HOUR_MS = 3_600_000
SALT_AHEAD_MS = (
    12 * HOUR_MS
)  # so long before its day a salt is made, so that every collector has it when the day begins
SALT_RETENTION_MS = SALT_AHEAD_MS + DAY_MS + HOUR_MS  # an hour for clocks that differ
SALT_SEGMENT_MS = 12 * HOUR_MS


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """`key` says in words what chooses the partition; `subject` is the Avro schema of the value, "" when it is private."""

    name: str
    key: str
    cleanup: str
    retention_ms: int = -1
    uncompacted_ms: int = 0  # of a compacted topic: so long every record stays, newer ones of its key or not
    partitions: int | None = None  # None: the deployment's setting
    segment_ms: int = 0  # 0: Kafka's own; a record goes with its segment, so what must not outlive its time needs short ones
    subject: str = ""

    def full_name(self, prefix: str) -> str:
        return prefix + self.name


CONTROL = Topic(name="control", key="kind/id", cleanup=COMPACT, partitions=1)
EVENTS_RAW = Topic(name="events.raw", key="routing id", cleanup=DELETE, retention_ms=7 * DAY_MS)
# What agents make in transactions, and a stage puts into events.raw, where there are none.
EVENTS_DERIVED = Topic(name="events.derived", key="routing id", cleanup=DELETE, retention_ms=7 * DAY_MS)
EVENTS_RESOLVED = Topic(
    name="events.resolved", key="subject", cleanup=DELETE, retention_ms=7 * DAY_MS, subject="resolved_event"
)
EVENTS_DEAD = Topic(
    name="events.dead", key="source", cleanup=DELETE, retention_ms=30 * DAY_MS, subject="dead_letter"
)
IDENTITY_FACTS = Topic(name="identity.facts", key="node", cleanup=DELETE, retention_ms=7 * DAY_MS)
IDENTITY_POINTERS = Topic(name="identity.pointers", key="node", cleanup=COMPACT, subject="pointer")
PROFILE_CHANGES = Topic(
    name="profile.changes", key="node", cleanup=COMPACT, uncompacted_ms=7 * DAY_MS, subject="profile_change"
)
LEDGER = Topic(name="ledger", key="source", cleanup=DELETE, retention_ms=30 * DAY_MS, subject="ledger_entry")
COMMERCE_FACTS = Topic(name="commerce.facts", key="cart, product", cleanup=DELETE, retention_ms=7 * DAY_MS)
CARTS = Topic(name="carts", key="cart", cleanup=COMPACT, subject="cart")
CARTS_CANDIDATES = Topic(name="carts.candidates", key="cart", cleanup=DELETE, retention_ms=7 * DAY_MS)
CATALOGUE = Topic(
    name="catalogue", key="product", cleanup=COMPACT, uncompacted_ms=7 * DAY_MS, subject="product"
)
SEGMENTS_MEMBERSHIP = Topic(
    name="segments.membership", key="profile", cleanup=DELETE, retention_ms=7 * DAY_MS, subject="membership"
)
# Which refresh of segments is on its way and which is done; the second in one transaction with what it changed.
SEGMENTS_RUNS = Topic(name="segments.runs", key="claim, done", cleanup=COMPACT, partitions=1)
# Rules (docs/rules.md), in the order of the way. What some rule asks for goes by person; a rule whose time has come is a
# candidate until ClickHouse has been asked who the person is; what is to be done then, and what became of it, by person again.
RULES_FACTS = Topic(name="rules.facts", key="person", cleanup=DELETE, retention_ms=7 * DAY_MS)
RULES_CANDIDATES = Topic(name="rules.candidates", key="person", cleanup=DELETE, retention_ms=7 * DAY_MS)
ACTIONS_WORK = Topic(name="actions.work", key="person, rule", cleanup=DELETE, retention_ms=7 * DAY_MS)
ACTIONS_DUE = Topic(name="actions.due", key="person", cleanup=DELETE, retention_ms=7 * DAY_MS)
ACTIONS = Topic(name="actions", key="subject", cleanup=DELETE, retention_ms=7 * DAY_MS, subject="firing")
ACTIONS_DELIVERIES = Topic(
    name="actions.deliveries", key="subject", cleanup=DELETE, retention_ms=7 * DAY_MS, subject="delivery"
)
CONTACTS_FACTS = Topic(name="contacts.facts", key="contact", cleanup=DELETE, retention_ms=7 * DAY_MS)
CONTACTS = Topic(name="contacts", key="list and contact", cleanup=COMPACT, subject="contact")
# What the ids of visitors without cookies are made with: gone an hour or two after its day, and nobody can make them again.
VISITORS_SALTS = Topic(
    name="visitors.salts",
    key="day",
    cleanup=DELETE,
    retention_ms=SALT_RETENTION_MS,
    segment_ms=SALT_SEGMENT_MS,
    partitions=1,
)

TOPICS = (
    *(CONTROL, EVENTS_RAW, EVENTS_DERIVED, EVENTS_RESOLVED, EVENTS_DEAD),
    *(IDENTITY_FACTS, IDENTITY_POINTERS, PROFILE_CHANGES, LEDGER),
    *(COMMERCE_FACTS, CARTS, CARTS_CANDIDATES, CATALOGUE),
    *(SEGMENTS_MEMBERSHIP, SEGMENTS_RUNS),
    *(RULES_FACTS, RULES_CANDIDATES, ACTIONS_WORK, ACTIONS_DUE),
    *(ACTIONS, ACTIONS_DELIVERIES, CONTACTS_FACTS, CONTACTS),
    VISITORS_SALTS,
)

AGENTS = {  # agent -> the topic it reads
    "resolve": EVENTS_RAW,
    "identity": IDENTITY_FACTS,
    "commerce": COMMERCE_FACTS,
    "triggers": EVENTS_RESOLVED,
    "memberships": SEGMENTS_MEMBERSHIP,
    "contacts": CONTACTS_FACTS,
    "rules": RULES_FACTS,
    "actions": ACTIONS_WORK,
}


def changelog(generation: str, agent: str) -> Topic:
    """The topic that holds an agent's state and its position; one partition per input partition."""
    return Topic(name=f"{generation}-{agent}-changelog", key="state key", cleanup=COMPACT)
