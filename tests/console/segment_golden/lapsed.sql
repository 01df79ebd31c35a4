WITH
    (owner -> dictGetOrDefault('idr_root', 'root', owner, owner)) AS root_of,
    ((subject, at) -> root_of(dictGetOrDefault('idr_segment', 'owner', subject, toUnixTimestamp64Milli(at), subject))) AS profile_of,
    (json -> arrayMap(each -> if(startsWith(each, '"'), JSONExtractString(each), each), arrayFilter(each -> NOT match(each, '^(null$|[{[])'), arrayConcat([json], JSONExtractArrayRaw(json))))) AS texts_of
SELECT
    profile,
    arrayFilter((segment, is_member) -> is_member, range(1), [
        -- asked
        max(known) AND (max(order_completed_1) AND (NOT max(order_completed_2)) AND max(plan_1))
    ])::Array(UInt16) AS members
FROM
(
    -- what they did
    SELECT profile_of(subject, timestamp) AS profile,
        max(profile != subject OR subject_type NOT IN ('a', 'm')) AS known,
        countIf(event = 'Order Completed' AND timestamp >= toDateTime64('2025-10-03 00:00:00.000', 3, 'UTC')) >= 2 AS order_completed_1,
        countIf(event = 'Order Completed' AND timestamp >= toDateTime64('2025-12-02 00:00:00.000', 3, 'UTC')) >= 1 AS order_completed_2,
        0 AS plan_1
    FROM events
    WHERE workspace = 'main'
      AND timestamp < toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC')
      AND NOT device.is_bot
      AND (event = 'Order Completed' AND timestamp >= toDateTime64('2025-10-03 00:00:00.000', 3, 'UTC'))
    GROUP BY profile
    UNION ALL
    -- what is told of them
    SELECT profile,
        0 AS known, 0 AS order_completed_1, 0 AS order_completed_2,
        max(name = 'plan' AND hasAny(texts_of(latest), ['pro', 'team'])) AS plan_1
    FROM
    (
        SELECT profile_of(subject, timestamp) AS profile, name, argMax(value, (timestamp, message_id, value)) AS latest
        FROM traits
        WHERE name IN ['plan']
          AND workspace = 'main'
          AND timestamp < toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC')
        GROUP BY profile, name
    )
    GROUP BY profile
)
GROUP BY profile
HAVING notEmpty(members)
