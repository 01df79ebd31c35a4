WITH
    (owner -> dictGetOrDefault('idr_root', 'root', owner, owner)) AS root_of,
    ((subject, at) -> root_of(dictGetOrDefault('idr_segment', 'owner', subject, toUnixTimestamp64Milli(at), subject))) AS profile_of,
    (json -> arrayMap(each -> if(startsWith(each, '"'), JSONExtractString(each), each), arrayFilter(each -> NOT match(each, '^(null$|[{[])'), arrayConcat([json], JSONExtractArrayRaw(json))))) AS texts_of,
    (json -> arrayMap(each -> trim(BOTH ' \t\n\r' FROM each), arrayFilter(each -> match(each, '^[ \\t\\n\\r]*-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?[ \\t\\n\\r]*$'), texts_of(json)))) AS number_texts_of,
    (json -> arrayFilter(each -> isFinite(each), arrayMap(each -> toFloat64(each), number_texts_of(json)))) AS numbers_of
SELECT
    profile,
    arrayFilter((segment, is_member) -> is_member, range(1), [
        -- asked
        max(seen) AND max(known) AND (max(has_email_1) OR NOT max(has_external_crm_1) OR max(in_vip_1) OR max(first_seen_1) OR max(any_group_1))
    ])::Array(UInt16) AS members
FROM
(
    -- who there is
    SELECT root_of(subject) AS profile,
        human_first_seen < toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC') AS seen,
        profile != subject OR subject_type NOT IN ('a', 'm') AS known,
        0 AS first_seen_1, 0 AS any_group_1, 0 AS has_email_1, 0 AS has_external_crm_1, 0 AS in_vip_1
    FROM subjects
    WHERE workspace = 'main'
      AND subject NOT IN (SELECT node FROM identity_pointers FINAL WHERE workspace = 'main' AND notEmpty(segments))
    UNION ALL
    -- and on devices that several people used
    SELECT DISTINCT profile_of(subject, timestamp) AS profile,
        NOT device.is_bot AS seen,
        profile != subject OR subject_type NOT IN ('a', 'm') AS known,
        0 AS first_seen_1, 0 AS any_group_1, 0 AS has_email_1, 0 AS has_external_crm_1, 0 AS in_vip_1
    FROM events
    WHERE workspace = 'main'
      AND timestamp < toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC')
      AND subject IN (SELECT node FROM identity_pointers FINAL WHERE workspace = 'main' AND notEmpty(segments))
    UNION ALL
    -- when they were seen
    SELECT profile,
        0 AS seen, 0 AS known,
        min(first) >= toDateTime64('2025-12-25 00:00:00.000', 3, 'UTC') AS first_seen_1,
        0 AS any_group_1, 0 AS has_email_1, 0 AS has_external_crm_1, 0 AS in_vip_1
    FROM
    (
        SELECT root_of(subject) AS profile, human_first_seen AS first, human_last_seen AS last
        FROM subjects
        WHERE workspace = 'main'
          AND human_first_seen < toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC')
          AND subject NOT IN (SELECT node FROM identity_pointers FINAL WHERE workspace = 'main' AND notEmpty(segments))
        UNION ALL
        SELECT profile_of(subject, timestamp) AS profile, timestamp AS first, timestamp AS last
        FROM events
        WHERE workspace = 'main'
          AND timestamp < toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC')
          AND NOT device.is_bot
          AND subject IN (SELECT node FROM identity_pointers FINAL WHERE workspace = 'main' AND notEmpty(segments))
    )
    GROUP BY profile
    UNION ALL
    -- the groups that they belong to
    SELECT profile_of(subject, timestamp) AS profile,
        0 AS seen, 0 AS known, 0 AS first_seen_1,
        max(group_id IN (SELECT group_id FROM (SELECT group_id, name, argMax(value, (timestamp, message_id, value)) AS latest FROM group_traits WHERE name IN ['', 'seats'] AND workspace = 'main' AND timestamp < toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC') GROUP BY group_id, name) GROUP BY group_id HAVING max(name = 'seats' AND arrayExists(number -> number >= 5.0, numbers_of(latest))))) AS any_group_1,
        0 AS has_email_1, 0 AS has_external_crm_1, 0 AS in_vip_1
    FROM group_traits
    WHERE name = ''
      AND workspace = 'main'
      AND timestamp < toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC')
    GROUP BY profile
    UNION ALL
    -- the identifiers that they have
    SELECT DISTINCT root_of(node) AS profile,
        0 AS seen, 0 AS known, 0 AS first_seen_1, 0 AS any_group_1,
        kind = 'e' AS has_email_1,
        kind = 'x' AND startsWith(value, 'crm:') AS has_external_crm_1,
        0 AS in_vip_1
    FROM identifiers
    WHERE workspace = 'main'
      AND kind IN ('e', 'x')
      AND node NOT IN (SELECT node FROM identity_pointers FINAL WHERE workspace = 'main' AND notEmpty(segments))
    UNION ALL
    -- the lists that they are on
    SELECT DISTINCT profile_of(node, toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC')) AS profile,
        0 AS seen, 0 AS known, 0 AS first_seen_1, 0 AS any_group_1, 0 AS has_email_1, 0 AS has_external_crm_1,
        list = 'vip' AS in_vip_1
    FROM lists
    WHERE workspace = 'main'
      AND list IN ['vip']
)
GROUP BY profile
HAVING notEmpty(members)
