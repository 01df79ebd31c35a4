"""Deleting what a plan erases, table by table, with the ledger's account of it. May be cut off anywhere and be run again.

First the account, under a token of its own, so that a second run adds nothing; then the rows; the identifiers last, since their
values are needed to find the rest. Deliberately absent: the pointers. They hold hashes, and their versions must go on growing.
"""

from collections.abc import Iterable, Iterator, Sequence

from deploy.orders.fired import FIRED, fired
from deploy.orders.letters import letter_pattern
from deploy.orders.plan import Plan
from deploy.orders.tables import Named, Tables, cut, numbers, within
from processors.events.ledger import FORGOTTEN
from schemas.events.dead_letter import Stage

TABLES = (
    "events",
    "subject_events",
    "traits",
    "group_traits",
    "cart_states",
)  # those with a subject and a time
CONTACTS = "contact_list_members"
LETTERS_PER_STATEMENT_MAX = 5_000
STAGE = "forget"  # in the ledger: what had been counted as stored or dead, and is neither any more

_ACCOUNT = """\
SELECT workspace, source, toStartOfMinute(received_at) AS minute, count() FROM {table}
WHERE {condition} GROUP BY workspace, source, minute ORDER BY workspace, source, minute"""
_LETTERS = """\
SELECT DISTINCT sipHash64(payload) FROM dead_letters
WHERE workspace IN ({workspace:String}, '') AND toUnixTimestamp64Milli(received_at) <= {until:Int64}
  AND (match(payload, {pattern:String}) OR match(detail, {pattern:String}))"""
_NAMED_LATER = """\
INSERT INTO identifiers (workspace, kind, value, node, claimed)
SELECT DISTINCT workspace, i.kind, i.value, i.node, i.claimed
FROM events ARRAY JOIN identifiers AS i
WHERE workspace = {workspace:String} AND toUnixTimestamp64Milli(timestamp) > {until:Int64} AND i.node IN (NODES)"""
_TOLD_LATER = """\
INSERT INTO subject_details (workspace, subject, part, kind, name)
SELECT DISTINCT workspace, node, 'name', kind, value
FROM identifiers WHERE workspace = {workspace:String} AND value != '' AND node IN (NODES)"""
_SEEN_STILL = """\
INSERT INTO subjects (workspace, subject, subject_type, human_first_seen, human_last_seen, bot_first_seen, bot_last_seen)
SELECT workspace, subject, max(subject_type),
    min(if(device.is_bot, toDateTime64('2299-12-31 00:00:00', 3, 'UTC'), timestamp)),
    max(if(device.is_bot, toDateTime64('1970-01-01 00:00:00', 3, 'UTC'), timestamp)),
    min(if(device.is_bot, timestamp, toDateTime64('2299-12-31 00:00:00', 3, 'UTC'))),
    max(if(device.is_bot, timestamp, toDateTime64('1970-01-01 00:00:00', 3, 'UTC')))
FROM events WHERE workspace = {workspace:String} AND subject IN (NODES) GROUP BY workspace, subject"""
# Table subject_details by its parts. Its rows about pointers hold hashes, and stay as the pointers do.
_DEVICES_STILL = """\
INSERT INTO subject_details (workspace, subject, part, kind, name, about, subject_type, latest, first_seen, events)
SELECT workspace, subject, 'device', toString(device.kind) AS kind, anonymous_id,
    [toString(device.brand), toString(device.model), toString(device.os), toString(device.browser),
        toString(toUInt8(device.is_bot))] AS about,
    max(toString(events.subject_type)), max((timestamp, [toString(device.os_version), toString(device.browser_version)])),
    min(timestamp), count()
FROM events WHERE workspace = {workspace:String} AND subject IN (NODES) GROUP BY workspace, subject, kind, anonymous_id, about"""
_TRAITS_STILL = """\
INSERT INTO subject_details (workspace, subject, part, name, latest, first_seen)
SELECT workspace, subject, 'trait', toString(traits.name) AS trait,
    max((timestamp, [message_id, traits.value, toString(source)])), min(timestamp)
FROM traits WHERE workspace = {workspace:String} AND subject IN (NODES) GROUP BY workspace, subject, trait"""
DETAILS = "subject_details"
_OF_EVENTS, _OF_NAMES = "part IN ('device', 'trait')", "part = 'name'"
SEEN = {
    "subjects": (_SEEN_STILL,),
    DETAILS: (_DEVICES_STILL, _TRAITS_STILL),
}  # made of events, and made anew of those that stay

# While a forgetting is under way its mark is of the last day of all, which no refresh is done with.
_REFRESHED = """\
INSERT INTO segment_forgotten (profile, forgotten_at) SELECT arrayJoin(CAST([NODES], 'Array(UInt64)')), WHEN"""
_UNDER_WAY = "toDateTime64('2299-12-31 00:00:00', 3, 'UTC')"
_NOW = "now64(3, 'UTC')"


def would_delete(tables: Tables, plans: Iterable[Plan], values: Sequence[Named]) -> dict[str, int]:
    """Rows by table, as they are now."""
    found = dict.fromkeys((*TABLES, *FIRED, "dead_letters", *SEEN, CONTACTS, "lists", "identifiers"), 0)
    for plan in plans:
        for table in TABLES:
            found[table] += sum(
                tables.count(table, each) for each in _conditions(tables, within(plan.erasures))
            )
        for table, conditions in fired(tables, _here(tables), plan.erasures).items():
            found[table] += sum(tables.count(table, each) for each in conditions)
        found["dead_letters"] += sum(
            tables.count("dead_letters", each) for each in _letters(tables, plan, values)
        )
        for table in SEEN:
            found[table] += sum(tables.count(table, each) for each in _seen(tables, plan, table))
        found[DETAILS] += sum(tables.count(DETAILS, each) for each in _named(tables, plan))
        found[CONTACTS] += sum(tables.count(CONTACTS, each) for each in _contacts(tables, plan))
        found["lists"] += sum(tables.count("lists", each) for each in _names(tables, plan))
        found["identifiers"] += sum(tables.count("identifiers", each) for each in _names(tables, plan))
    return found


def delete(tables: Tables, plan: Plan, values: Sequence[Named]) -> dict[str, int]:
    """Rows that went, by table."""
    erased = _conditions(tables, within(plan.erasures))
    rows = dict.fromkeys(TABLES, erased) | fired(tables, _here(tables), plan.erasures)
    rows["dead_letters"] = _letters(tables, plan, values)
    _account(tables, f"{plan.by}/events", "events", rows["events"])
    counted = [f"{each} AND stage != '{Stage.COLLECTOR.value}'" for each in rows["dead_letters"]]
    _account(tables, f"{plan.by}/letters", "dead_letters", counted)
    gone = {table: _delete(tables, table, conditions) for table, conditions in rows.items()}
    gone |= {table: _delete_seen(tables, plan, table) for table in SEEN}
    gone[CONTACTS] = _delete(tables, CONTACTS, _contacts(tables, plan))
    gone["lists"] = _delete(tables, "lists", _names(tables, plan))
    gone["identifiers"] = _delete_names(tables, plan)
    gone[DETAILS] += _delete_told(tables, plan)
    _tell_refresh(tables, plan)
    return gone


def announce(tables: Tables, plans: Iterable[Plan]) -> None:
    """A refresh of segments that runs before all is done calls by its name why somebody leaves. Before anything happens."""
    for plan in plans:
        _mark(tables, plan, _UNDER_WAY)


def _tell_refresh(tables: Tables, plan: Plan) -> None:
    """The next refresh of segments ends their stays, and deletes what they were in. Last, when nothing is left to find."""
    _mark(tables, plan, _NOW)
    for nodes in _marked(plan):
        tables.delete("segment_forgotten", f"profile IN ({numbers(nodes)}) AND forgotten_at = {_UNDER_WAY}")


def _mark(tables: Tables, plan: Plan, when: str) -> None:
    for nodes in _marked(plan):
        statement = _REFRESHED.replace("NODES", numbers(nodes)).replace("WHEN", when)
        # A second run tells the same once more, which is no repetition that may be dropped.
        tables.client.command(statement, settings={"insert_deduplicate": 0})


def _marked(plan: Plan) -> Iterator[Sequence[int]]:
    return cut(sorted(plan.nodes | {each.node for each in plan.erasures}))


def _delete(tables: Tables, table: str, conditions: Iterable[str]) -> int:
    """Nothing is asked of the server where there is nothing to delete. What a newer row has replaced counts for nothing, and
    stands on disk until a merge all the same: it goes too."""
    gone = 0
    for condition in conditions:
        if tables.holds(table, condition):
            gone += tables.count(table, condition)
            tables.delete(table, condition)
    return gone


def _delete_seen(tables: Tables, plan: Plan, table: str) -> int:
    """How a subject was seen: what is left of its events says it anew, also where a run before was cut off in between."""
    gone = _delete(tables, table, _seen(tables, plan, table))
    for subjects in _subjects(plan):
        for still in SEEN[table]:
            _again(tables, still.replace("NODES", subjects))
    return gone


def _delete_names(tables: Tables, plan: Plan) -> int:
    """What later events name is named again: this table has no times."""
    if gone := _delete(tables, "identifiers", _names(tables, plan)):
        _again(tables, _NAMED_LATER.replace("NODES", numbers(sorted(plan.nodes))), until=plan.until)
    return gone


def _delete_told(tables: Tables, plan: Plan) -> int:
    """Names of table subject_details, which are told anew from `identifiers`, also where a run before was cut off in between."""
    gone = _delete(tables, DETAILS, _named(tables, plan))
    if plan.nodes:
        _again(tables, _TOLD_LATER.replace("NODES", numbers(sorted(plan.nodes))))
    return gone


def _again(tables: Tables, statement: str, **values: int) -> None:
    """What is left. The server must not take it for a block that it had before the deletion."""
    tables.client.command(
        statement, parameters={"workspace": tables.workspace} | values, settings={"insert_deduplicate": 0}
    )


def _account(tables: Tables, token: str, table: str, conditions: Iterable[str]) -> None:
    lines = [
        [workspace, source, STAGE, FORGOTTEN, minute, rows]
        for condition in conditions
        for workspace, source, minute, rows in tables.ask(
            _ACCOUNT.replace("{table}", table).replace("{condition}", condition)
        )
    ]
    if lines:
        tables.client.insert(
            "ledger",
            lines,
            column_names=["workspace", "source", "stage", "outcome", "minute", "events"],
            settings={"insert_deduplication_token": token, "async_insert": 0},
        )


def _conditions(tables: Tables, erased: Iterable[str]) -> list[str]:
    return [f"{_here(tables)} AND {each}" for each in erased]


def _seen(tables: Tables, plan: Plan, table: str) -> list[str]:
    of_events = f" AND {_OF_EVENTS}" if table == DETAILS else ""
    return [f"{_here(tables)} AND subject IN ({subjects}){of_events}" for subjects in _subjects(plan)]


def _named(tables: Tables, plan: Plan) -> list[str]:
    nodes = sorted(plan.nodes)
    return [f"{_here(tables)} AND subject IN ({numbers(nodes)}) AND {_OF_NAMES}"] if nodes else []


def _subjects(plan: Plan) -> list[str]:
    return [numbers(some) for some in cut(sorted({erase.node for erase in plan.erasures}))]


def _names(tables: Tables, plan: Plan) -> list[str]:
    nodes = sorted(plan.nodes)
    return [f"{_here(tables)} AND node IN ({numbers(nodes)})"] if nodes else []


def _contacts(tables: Tables, plan: Plan) -> list[str]:
    """Rows with the address in clear. Agent `contacts` has been told already, and has written one without it, which stays: who
    opted out must not be written to because they were forgotten."""
    return [
        f"{_here(tables)} AND contact IN ({numbers(some)}) AND address != '' "
        f"AND toUnixTimestamp64Milli(changed_at) <= {plan.until:d}"
        for some in cut(sorted(plan.nodes))
    ]


def _letters(tables: Tables, plan: Plan, values: Iterable[Named]) -> list[str]:
    """Letters have no key of their own: those with such a payload."""
    found = {
        payload
        for each in values
        for (payload,) in tables.ask(
            _LETTERS, until=plan.until, pattern=letter_pattern(each.kind, each.value)
        )
    }
    payloads = sorted(found)
    return [
        f"sipHash64(payload) IN ({numbers(payloads[start : start + LETTERS_PER_STATEMENT_MAX])})"
        for start in range(0, len(payloads), LETTERS_PER_STATEMENT_MAX)
    ]


def _here(tables: Tables) -> str:
    """No parameter: a mutation keeps its text as it was sent."""
    name = tables.workspace.replace("\\", "\\\\").replace("'", "\\'")
    return f"workspace = '{name}'"
