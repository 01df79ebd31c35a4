-- Views over what 0008_identifiers_and_conflicts.sql stores.

-- As in 0007_narrow_properties.sql, with the identifiers.
CREATE OR REPLACE VIEW {database}.events_resolved AS
SELECT
    workspace,
    message_id,
    type,
    event,
    name,
    timestamp,
    received_at,
    sent_at,
    original_timestamp,
    anonymous_id,
    user_id,
    previous_id,
    group_id,
    subject,
    dictGetOrDefault('{database}.idr_segment', 'owner', subject, toUnixTimestamp64Milli(timestamp), subject) AS owner,
    dictGetOrDefault('{database}.idr_root', 'root', owner, owner) AS profile,
    lower(leftPad(hex(profile), 16, '0')) AS profile_id,
    session_id,
    traits,
    properties,
    properties_text,
    context,
    integrations,
    envelope,
    concat(toString(raw_partition), ':', toString(raw_offset), ':', toString(raw_index)) AS lineage,
    source,
    identifiers
FROM {database}.events;

-- As in 0004_views.sql; an identifier that is known by its hash alone has no value to show.
CREATE OR REPLACE VIEW {database}.profiles AS
WITH
    stays AS
    (
        SELECT workspace, profile, min(first_seen) AS first_seen, max(last_seen) AS last_seen, sum(events) AS events
        FROM
        (
            SELECT
                workspace,
                dictGetOrDefault('{database}.idr_segment', 'owner', subject, toUnixTimestamp64Milli(timestamp), subject) AS owner,
                dictGetOrDefault('{database}.idr_root', 'root', owner, owner) AS profile,
                min(timestamp) AS first_seen,
                max(timestamp) AS last_seen,
                count() AS events
            FROM {database}.events
            GROUP BY workspace, owner
        )
        GROUP BY workspace, profile
    ),
    ids AS
    (
        SELECT
            workspace,
            arrayJoin(if(empty(owners), [node], owners)) AS owner,
            dictGetOrDefault('{database}.idr_root', 'root', owner, owner) AS profile,
            node,
            kind,
            value
        FROM {database}.identifiers
        LEFT JOIN
        (
            SELECT node, arrayDistinct(segments.owner) AS owners
            FROM {database}.identity_pointers FINAL
            WHERE notEmpty(segments)
        ) AS contested USING (node)
        WHERE value != ''
    ),
    latest AS
    (
        SELECT
            workspace,
            dictGetOrDefault('{database}.idr_root', 'root', owner, owner) AS profile,
            name,
            argMax(value, (timestamp, message_id, value)) AS last_value,
            min(timestamp) AS first_set
        FROM
        (
            SELECT
                *,
                dictGetOrDefault('{database}.idr_segment', 'owner', subject, toUnixTimestamp64Milli(timestamp), subject) AS owner
            FROM {database}.traits
        )
        GROUP BY workspace, profile, name
        ORDER BY workspace, profile, first_set, name
        LIMIT 1000 BY workspace, profile
    )
SELECT
    workspace,
    lower(leftPad(hex(profile), 16, '0')) AS profile_id,
    max(user) AS user_id,
    arraySort(groupUniqArrayIf(value, kind = 'e')) AS emails,
    arraySort(groupUniqArrayIf(value, kind = 'a')) AS anonymous_ids,
    concat('{', arrayStringConcat(arraySort(groupArrayIf(concat(toJSONString(name), ':', value), kind = 'trait')), ','), '}') AS traits,
    maxIf(since, kind = 'stay') AS first_seen,
    maxIf(until, kind = 'stay') AS last_seen,
    sum(count) AS events
FROM
(
    SELECT workspace, profile, 'stay' AS kind, '' AS name, '' AS value, '' AS user, first_seen AS since, last_seen AS until, events AS count
    FROM stays
    UNION ALL
    SELECT workspace, profile, kind, '', value, if(kind = 'u' AND node = profile, value, ''), toDateTime64(0, 3, 'UTC'), toDateTime64(0, 3, 'UTC'), 0
    FROM ids
    UNION ALL
    SELECT workspace, profile, 'trait', name, last_value, '', toDateTime64(0, 3, 'UTC'), toDateTime64(0, 3, 'UTC'), 0
    FROM latest
)
GROUP BY workspace, profile
HAVING events > 0;

-- Links that were stated and merged nobody, in words: the identifier, the other one that it was linked to, whose it is instead, and why.
-- Values are empty where no event carries the identifier in clear. A link whose two ends are one profile all the same is none of these.
CREATE OR REPLACE VIEW {database}.conflicts AS
WITH
    lost AS
    (
        SELECT workspace, node, owner, conflict.target AS target, conflict.strength AS strength, conflict.since AS since
        FROM {database}.identity_pointers FINAL
        ARRAY JOIN conflicts AS conflict
    ),
    named AS
    (
        SELECT node, any(identifiers.kind) AS kind, max(identifiers.value) AS value
        FROM {database}.identifiers
        WHERE node IN (SELECT arrayJoin([node, target, owner]) FROM lost)
        GROUP BY node
    )
SELECT
    lost.workspace AS workspace,
    id.kind AS kind,
    id.value AS value,
    other.kind AS other_kind,
    other.value AS other_value,
    lower(leftPad(hex(dictGetOrDefault('{database}.idr_root', 'root', lost.node, lost.node)), 16, '0')) AS profile_id,
    lower(leftPad(hex(dictGetOrDefault('{database}.idr_root', 'root', lost.target, lost.target)), 16, '0')) AS other_profile_id,
    lost.since AS since,
    transform(lost.strength, [0, 1, 2, 3], ['merged by an alias', 'asserted', 'claimed by a link', 'derived'], 'unknown') AS link,
    if(
        lost.owner != lost.node AND holder.value != '' AND holder.kind = other.kind AND (holder.kind != 'x' OR splitByChar(':', holder.value)[1] = splitByChar(':', other.value)[1]),
        concat('it is ', holder.value, '''s, by an earlier link or a stronger one'),
        'another identifier of that type had an earlier link or a stronger one'
    ) AS reason,
    lost.node AS node,
    lost.target AS other_node
FROM lost
LEFT JOIN named AS id ON id.node = lost.node
LEFT JOIN named AS other ON other.node = lost.target
LEFT JOIN named AS holder ON holder.node = lost.owner
WHERE profile_id != other_profile_id;

-- Identifiers that more than 200 anonymous ids were on one event with in one day (UTC, by event time): a kiosk, a test id, a shared mailbox.
-- Reported and never cut: whoever runs the sources decides what to block.
CREATE OR REPLACE VIEW {database}.shared_ids AS
SELECT
    workspace,
    day,
    identifier.kind AS kind,
    identifier.value AS value,
    lower(leftPad(hex(dictGetOrDefault('{database}.idr_root', 'root', identifier.node, identifier.node)), 16, '0')) AS profile_id,
    uniqExact(device) AS devices,
    count() AS events,
    identifier.node AS node
FROM
(
    SELECT
        workspace,
        toDate(timestamp) AS day,
        arrayFirst(identifier -> identifier.kind = 'a', identifiers).node AS device,
        arrayJoin(arrayFilter(identifier -> identifier.kind != 'a', identifiers)) AS identifier
    FROM {database}.events
    WHERE has(identifiers.kind, 'a')
)
GROUP BY workspace, day, identifier.node, identifier.kind, identifier.value
HAVING devices > 200;
