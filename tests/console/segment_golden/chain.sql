WITH
    (owner -> dictGetOrDefault('idr_root', 'root', owner, owner)) AS root_of,
    ((subject, at) -> root_of(dictGetOrDefault('idr_segment', 'owner', subject, toUnixTimestamp64Milli(at), subject))) AS profile_of,
    (json -> arrayMap(each -> if(startsWith(each, '"'), JSONExtractString(each), each), arrayFilter(each -> NOT match(each, '^(null$|[{[])'), arrayConcat([json], JSONExtractArrayRaw(json))))) AS texts_of
SELECT
    profile,
    arrayFilter((segment, is_member) -> is_member, range(1), [
        -- asked
        max(known) AND max(viewed_then_order_completed_1)
    ])::Array(UInt16) AS members
FROM
(
    -- what they did
    SELECT profile_of(subject, timestamp) AS profile,
        max(profile != subject OR subject_type NOT IN ('a', 'm')) AS known,
        arrayExists(same -> arrayFold((starts, event) -> [if(event.6, -1, if(event.4, event.1, starts[1])), if(event.6, starts[2], if(event.5, if(starts[1] >= 0 AND event.1 - starts[1] <= 172800000, starts[1], starts[2]), starts[2]))], arrayFilter(event -> has(event.7, same) OR event.6, viewed_then_order_completed_1_events), [toInt64(-1), toInt64(-1)])[2] >= 0, arrayDistinct(arrayFlatten(arrayMap(event -> event.7, if(countIf(viewed_then_order_completed_1_step_1) > 0 AND countIf(viewed_then_order_completed_1_step_2) > 0, arraySlice(arraySort(groupArrayIf((toUnixTimestamp64Milli(timestamp), indexOf([viewed_then_order_completed_1_step_1, viewed_then_order_completed_1_step_2, 1], 1), message_id, ((event = 'Viewed') AS viewed_then_order_completed_1_step_1), ((event = 'Order Completed') AS viewed_then_order_completed_1_step_2), ((event = 'Refunded') AS viewed_then_order_completed_1_breaks), arrayFilter(text -> text != '', texts_of(coalesce(toJSONString(properties.`sku`), 'null')))), (viewed_then_order_completed_1_step_1 OR viewed_then_order_completed_1_step_2 OR viewed_then_order_completed_1_breaks))), 1, 1000), []) AS viewed_then_order_completed_1_events)))) AS viewed_then_order_completed_1
    FROM events
    WHERE workspace = 'main'
      AND timestamp < toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC')
      AND NOT device.is_bot
      AND event IN ['Order Completed', 'Refunded', 'Viewed']
    GROUP BY profile
)
GROUP BY profile
HAVING notEmpty(members)
