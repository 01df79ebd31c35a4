WITH
    (owner -> dictGetOrDefault('idr_root', 'root', owner, owner)) AS root_of,
    ((subject, at) -> root_of(dictGetOrDefault('idr_segment', 'owner', subject, toUnixTimestamp64Milli(at), subject))) AS profile_of
SELECT
    profile,
    arrayFilter((segment, is_member) -> is_member, range(1), [
        -- asked
        max(known) AND max(viewed_not_order_completed_1)
    ])::Array(UInt16) AS members
FROM
(
    -- what they did
    SELECT profile_of(subject, timestamp) AS profile,
        max(profile != subject OR subject_type NOT IN ('a', 'm')) AS known,
        arrayExists((one, after, before) -> one.3 AND one.1 + 86400000 < 1767225600000 AND NOT (after BETWEEN one.1 AND one.1 + 86400000 OR before = one.1), (arraySlice(arraySort(groupUniqArrayIf((toUnixTimestamp64Milli(timestamp), message_id, ((event = 'Viewed') AS viewed_not_order_completed_1_done), ((event = 'Order Completed') AS viewed_not_order_completed_1_then)), viewed_not_order_completed_1_done OR viewed_not_order_completed_1_then)), 1, 10000) AS viewed_not_order_completed_1_events), arrayShiftLeft(arrayReverseFill(ms -> ms >= 0, arrayMap(event -> if(event.4, event.1, toInt64(-1)), viewed_not_order_completed_1_events)), 1, toInt64(-1)), arrayShiftRight(arrayFill(ms -> ms >= 0, arrayMap(event -> if(event.4, event.1, toInt64(-1)), viewed_not_order_completed_1_events)), 1, toInt64(-1))) AS viewed_not_order_completed_1
    FROM events
    WHERE workspace = 'main'
      AND timestamp < toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC')
      AND NOT device.is_bot
      AND event IN ['Order Completed', 'Viewed']
    GROUP BY profile
)
GROUP BY profile
HAVING notEmpty(members)
