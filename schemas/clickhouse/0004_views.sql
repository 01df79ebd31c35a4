-- What people query. Both views give every event and identifier the profile of now: nothing is stored that a merge would have to rewrite.

-- The owner of an event's subject: for a contested device whoever had it at the event's time, else the subject itself. Its root is the
-- profile. `profile` is the number (group and join by it), `profile_id` the same in public form.
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
    source
FROM {database}.events;

-- One row per profile that has events. Its parts are gathered apart and meet in one GROUP BY:
--   stays   how many events, from when to when;
--   ids     its identifiers (a contested device belongs to each of its owners);
--   traits  of each name the last value by event time, ties by message id, then value; 1,000 names, the earliest.
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
