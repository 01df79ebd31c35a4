WITH
    (owner -> dictGetOrDefault('idr_root', 'root', owner, owner)) AS root_of,
    ((subject, at) -> root_of(dictGetOrDefault('idr_segment', 'owner', subject, toUnixTimestamp64Milli(at), subject))) AS profile_of
SELECT
    profile,
    arrayFilter((segment, is_member) -> is_member, range(1), [
        -- asked
        max(seen) AND max(known) AND (NOT max(order_completed_1))
    ])::Array(UInt16) AS members
FROM
(
    -- who there is
    SELECT root_of(subject) AS profile,
        human_first_seen < toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC') AS seen,
        profile != subject OR subject_type NOT IN ('a', 'm') AS known,
        0 AS order_completed_1
    FROM subjects
    WHERE workspace = 'main'
      AND subject NOT IN (SELECT node FROM identity_pointers FINAL WHERE workspace = 'main' AND notEmpty(segments))
    UNION ALL
    -- and on devices that several people used
    SELECT DISTINCT profile_of(subject, timestamp) AS profile,
        NOT device.is_bot AS seen,
        profile != subject OR subject_type NOT IN ('a', 'm') AS known,
        0 AS order_completed_1
    FROM events
    WHERE workspace = 'main'
      AND timestamp < toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC')
      AND subject IN (SELECT node FROM identity_pointers FINAL WHERE workspace = 'main' AND notEmpty(segments))
    UNION ALL
    -- what they did
    SELECT profile_of(subject, timestamp) AS profile,
        0 AS seen, 0 AS known,
        countIf(event = 'Order Completed') >= 1 AS order_completed_1
    FROM events
    WHERE workspace = 'main'
      AND timestamp < toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC')
      AND NOT device.is_bot
      AND event = 'Order Completed'
    GROUP BY profile
)
GROUP BY profile
HAVING notEmpty(members)
