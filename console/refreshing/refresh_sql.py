"""The statements of a refresh: who was touched since the last run, and what of their memberships is different now. Pure.

A profile's membership can only have changed when an event of it arrived, when an event passed an edge of a window or of T
itself, when it gained or lost identifiers, or when it was forgotten. All of these are gathered in `segment_touched`; each
statement takes its values as parameters, whose names begin with `refresh_` since members' queries have some of their own.
What dictionaries say is compared, not the pointers' table, since queries ask dictionaries: they may be loaded a moment later.
"""

from collections.abc import Sequence

from schemas.segments.segment_sql import quoted

NOT_VOID = "(run, attempt) NOT IN (SELECT run, attempt FROM segment_void_attempts)"
HERE = "run = {refresh_run:UInt64} AND attempt = {refresh_attempt:UInt32}"
T = "fromUnixTimestamp64Milli({refresh_instant:Int64}, 'UTC')"
SINCE = "fromUnixTimestamp64Milli({refresh_since:Int64}, 'UTC')"
TOUCHED = f"(SELECT profile FROM segment_touched WHERE {HERE})"
SUBJECTS = f"SELECT subject FROM segment_subjects WHERE {HERE}"

_ARRIVED = "raw_offset >= transform(raw_partition, {refresh_partitions:Array(Int32)}, {refresh_offsets:Array(Int64)}, toInt64(0))"
_PASSED = f"(timestamp >= {SINCE} AND timestamp < {T})"


UNTOUCHED_MAX = 10_000


def root(database: str, node: str) -> str:
    return f"dictGetOrDefault('{database}.idr_root', 'root', {node}, {node})"


def profile(database: str, subject: str = "subject", moment: str = "timestamp") -> str:
    owner = f"dictGetOrDefault('{database}.idr_segment', 'owner', {subject}, toUnixTimestamp64Milli({moment}), {subject})"
    return root(database, owner)


def touch(why: str, source: str, segment: str = "''") -> str:
    """`source` gives `profile` and `effective`."""
    return f"""\
INSERT INTO segment_touched (run, attempt, profile, why, segment, effective_at, written_at)
SELECT {{refresh_run:UInt64}}, {{refresh_attempt:UInt32}}, profile, '{why}', {segment}, effective, now64(3, 'UTC')
FROM ({source})"""


def arrived(database: str) -> str:
    """Events that were not known to be stored at the last run; {refresh_partitions}, {refresh_offsets}. Whoever has an identifier
    that such an event names too: it may be the first to name it, and be somebody else's event."""
    named = f"arrayMap(node -> {root(database, 'node')}, identifiers.node)"
    source = (
        f"SELECT arrayJoin(arrayConcat([{profile(database)}], {named})) AS profile, least(max(timestamp), {T}) AS effective "
        f"FROM events WHERE {_ARRIVED} GROUP BY profile"
    )
    return touch("data", source)


def passed(database: str) -> str:
    """Events that were in the future at the last run, and are not any more."""
    source = (
        f"SELECT {profile(database)} AS profile, max(timestamp) AS effective "
        f"FROM events WHERE {_PASSED} GROUP BY profile"
    )
    return touch("time", source)


def of_groups(database: str) -> str:
    """Everybody whom a group call ever named for a group of which something is told anew: groups have their members' traits."""
    source = (
        f"SELECT {profile(database)} AS profile, {T} AS effective FROM group_traits WHERE (workspace, group_id) IN "
        f"(SELECT workspace, group_id FROM events WHERE type = 'group' AND ({_ARRIVED} OR {_PASSED})) GROUP BY profile"
    )
    return touch("data", source)


def _owners(database: str) -> str:
    """By identifier what differs from the last sealed run: whose its events were, and whose they are."""
    return f"""\
SELECT node, max(before) AS were, max(after) AS profiles, max(hash_after) AS owners_hash
FROM
(
    SELECT node, CAST([], 'Array(UInt64)') AS before, 0 AS hash_before,
        arraySort(groupUniqArray(owner)) AS after, sum(cityHash64(owner, since, until)) AS hash_after
    FROM
    (
        SELECT node, root AS owner, toInt64(0) AS since, toInt64(0) AS until FROM dictionary('{database}.idr_root')
        UNION ALL
        SELECT node, {root(database, "owner")} AS owner, valid_from, valid_to FROM dictionary('{database}.idr_segment')
    )
    GROUP BY node
    UNION ALL
    SELECT node, argMax(profiles, run), argMax(owners_hash, run), [], 0
    FROM segment_owners WHERE {NOT_VOID} GROUP BY node
)
GROUP BY node HAVING max(hash_before) != max(hash_after)"""


def owners(database: str) -> str:
    return f"""\
INSERT INTO segment_owners (node, were, profiles, owners_hash, run, attempt)
SELECT node, were, profiles, owners_hash, {{refresh_run:UInt64}}, {{refresh_attempt:UInt32}} FROM ({_owners(database)})"""


def of_changed_owners(database: str) -> str:
    """After `owners`: whoever had or has such an identifier, and the identifier as a person of its own. And whoever's time with
    a device of several people began or ended by itself, as lists ask whose it is at T; its last moment is in it."""
    source = (
        f"SELECT DISTINCT arrayJoin(arrayConcat(were, profiles, [node])) AS profile, {T} AS effective "
        f"FROM segment_owners WHERE {HERE} "
        f"UNION DISTINCT SELECT arrayJoin([{root(database, 'owner')}, node]) AS profile, {T} AS effective "
        f"FROM dictionary('{database}.idr_segment') WHERE "
        "(valid_from > {refresh_since:Int64} AND valid_from <= {refresh_instant:Int64}) "
        "OR (valid_to >= {refresh_since:Int64} AND valid_to < {refresh_instant:Int64})"
    )
    return touch("identity", source)


def of_owners_since(database: str) -> str:
    """The same of what has changed after `owners`, which is not written down."""
    source = (
        "SELECT DISTINCT arrayJoin(arrayConcat(were, profiles, [node])) AS profile, "
        f"{T} AS effective FROM ({_owners(database)})"
    )
    return touch("identity", source)


def forgotten() -> str:
    return touch("forgotten", "SELECT profile, forgotten_at AS effective FROM segment_forgotten")


def subjects(database: str) -> str:
    """Back from the profiles that were touched to all that is theirs: identifiers under which nothing is stored too, since lists
    and the identifiers that people have are asked by these."""
    return f"""\
INSERT INTO segment_subjects (run, attempt, subject, written_at)
SELECT {{refresh_run:UInt64}}, {{refresh_attempt:UInt32}}, subject, now64(3, 'UTC') FROM
(
    SELECT profile AS subject FROM segment_touched WHERE {HERE}
    UNION DISTINCT
    SELECT node AS subject FROM dictionary('{database}.idr_root') WHERE {root(database, "node")} IN {TOUCHED}
    UNION DISTINCT
    SELECT node AS subject FROM dictionary('{database}.idr_segment') WHERE {root(database, "owner")} IN {TOUCHED}
)"""


PEOPLE = f"""\
SELECT (SELECT uniq(workspace, subject) FROM subjects), (SELECT uniqExact(profile) FROM segment_touched WHERE {HERE})"""


def changes(database: str, members: str, *, is_full: bool) -> str:
    """What `differences` finds, written down."""
    return f"""\
INSERT INTO segment_changes
    (workspace, segment, profile, seq, version, change, reason, observed_at, effective_at, run, attempt)
{differences(database, members, is_full=is_full)}"""


def untouched(database: str, members: str) -> str:
    """Memberships that differ of people whom nothing has touched: some of them, where they are many."""
    return f"""\
SELECT segment, profile FROM ({differences(database, members, is_full=True)})
WHERE profile NOT IN {TOUCHED} LIMIT {UNTOUCHED_MAX}"""


def differences(database: str, members: str, *, is_full: bool) -> str:
    """Compares `members`, a query of `profile` and `members` (places in {refresh_names}, from 0), with who is a member."""
    kept = "1" if is_full else f"profile IN {TOUCHED}"
    return f"""\
WITH
    current AS ({_CURRENT})
SELECT
    {{workspace:String}} AS workspace,
    name AS segment,
    who AS profile,
    last + 1 AS seq,
    {{refresh_versions:Array(String)}}[place] AS version,
    if(is_in, 'enter', 'leave') AS change,
    reason,
    {T} AS observed_at,
    multiIf(
        reason = 'data' AND notEmpty(arrivals), least(arrayMax(touch -> touch.3, arrivals), {T}),
        reason = 'time', least(arrayMax(touch -> touch.3, passings), {T}),
        {T}
    ) AS effective_at,
    {{refresh_run:UInt64}} AS run,
    {{refresh_attempt:UInt32}} AS attempt
FROM ({_reasoned(database, _moved(database, members, kept))})"""


_CURRENT = f"""
        SELECT
            indexOf({{refresh_names:Array(String)}}, toString(segment)) AS place,
            profile,
            argMax(change, seq) = 'enter' AS was,
            max(seq) AS last
        FROM segment_changes
        WHERE workspace = {{workspace:String}} AND has({{refresh_names:Array(String)}}, toString(segment)) AND {NOT_VOID}
        GROUP BY segment, profile
    """


def _moved(database: str, members: str, kept: str) -> str:
    """Rows of those who are on another side than before. `has_absorbed`: somebody who was a member is theirs now."""
    return f"""
        SELECT place, profile, max(found) AS is_in, max(was_in) AS is_known, max(last_seq) AS last, max(absorbed) AS has_absorbed
        FROM
        (
            SELECT arrayJoin(members) + 1 AS place, profile, 1 AS found, 0 AS was_in, 0 AS last_seq, 0 AS absorbed
            FROM ({members}) WHERE {kept}
            UNION ALL
            SELECT place, profile, 0, was, last, 0 FROM current WHERE {kept}
            UNION ALL
            SELECT place, {root(database, "profile")} AS survivor, 0, 0, 0, 1 FROM current
            WHERE was AND survivor != profile AND {kept}
        )
        GROUP BY place, profile
        HAVING is_in != is_known
    """


def _reasoned(database: str, moved: str) -> str:
    """Why they are, by what has touched them: a change that nothing explains is by data, and counted as drift."""
    return f"""
    SELECT
        moved.profile AS who,
        last,
        place,
        is_in,
        {{refresh_names:Array(String)}}[place] AS name,
        {{refresh_whys:Array(String)}}[place] AS why,
        arrayFilter(touch -> touch.1 = 'data', touches) AS arrivals,
        arrayFilter(touch -> touch.1 = 'time' AND touch.2 IN ('', name), touches) AS passings,
        arrayExists(touch -> touch.1 = 'time' AND touch.2 = name, touches) AS passed_here,
        multiIf(
            why != '', why,
            NOT is_in AND arrayExists(touch -> touch.1 = 'forgotten', touches), 'forgotten',
            NOT is_in AND {root(database, "moved.profile")} != moved.profile, 'merge',
            is_in AND has_absorbed, 'merge',
            arrayExists(touch -> touch.1 = 'identity', touches), 'identity',
            passed_here AND (NOT is_in OR empty(arrivals)), 'time',
            notEmpty(arrivals) OR empty(passings), 'data',
            'time'
        ) AS reason
    FROM ({moved}) AS moved
    LEFT JOIN
    (
        SELECT profile, groupArray((toString(why), toString(segment), effective_at)) AS touches
        FROM segment_touched WHERE {HERE} GROUP BY profile
    ) AS touched ON touched.profile = moved.profile
    """


NOBODY = "SELECT toUInt64(0) AS profile, CAST([], 'Array(UInt16)') AS members WHERE 0"

COUNTS = f"""\
SELECT segment, countIf(change = 'enter'), countIf(change = 'leave'), countIf(profile NOT IN {TOUCHED})
FROM segment_changes
WHERE {HERE} AND workspace = {{workspace:String}} AND has({{refresh_names:Array(String)}}, toString(segment))
GROUP BY segment"""

TOUCHED_OF = f"""\
SELECT DISTINCT profile FROM segment_touched WHERE {HERE} AND profile IN {{refresh_profiles:Array(UInt64)}}"""

UNTOLD = f"""\
SELECT workspace, segment, profile, seq, version, toString(change), reason,
    toUnixTimestamp64Milli(observed_at), toUnixTimestamp64Milli(effective_at), run
FROM segment_changes WHERE {HERE} ORDER BY workspace, segment, profile"""

# A mark of the last day of all says that the forgetting is under way: it stays until it is done (deploy/orders/deletion.py).
FORGOTTEN = f"""\
SELECT profile, toUnixTimestamp64Milli(max(effective_at)) FROM segment_touched
WHERE {HERE} AND why = 'forgotten' AND effective_at < toDateTime64('2299-12-31 00:00:00', 3, 'UTC') GROUP BY profile"""

LAST_OF = f"""\
SELECT workspace, segment, profile, max(seq) FROM segment_changes
WHERE profile IN {{refresh_profiles:Array(UInt64)}} AND {NOT_VOID} GROUP BY workspace, segment, profile HAVING count() > 1"""


def forget_history(last: Sequence[tuple[str, str, int, int]]) -> str:
    """Of people who were forgotten nothing is left but the last change of each segment: it holds hashes, and the next seq is
    counted from it. Numbers and checked names in the text: a mutation takes no parameters."""
    older = " OR ".join(
        f"(workspace = {quoted(workspace)} AND segment = {quoted(segment)} AND profile = {profile} AND seq < {seq})"
        for workspace, segment, profile, seq in last
    )
    return f"ALTER TABLE segment_changes DELETE WHERE {older}"


def forgetting_told(told: Sequence[tuple[int, int]]) -> str:
    rows = " OR ".join(
        f"(profile = {profile} AND forgotten_at <= fromUnixTimestamp64Milli({at_ms}))"
        for profile, at_ms in told
    )
    return f"ALTER TABLE segment_forgotten DELETE WHERE {rows}"
