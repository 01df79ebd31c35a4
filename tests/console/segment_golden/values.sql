WITH
    (owner -> dictGetOrDefault('idr_root', 'root', owner, owner)) AS root_of,
    ((subject, at) -> root_of(dictGetOrDefault('idr_segment', 'owner', subject, toUnixTimestamp64Milli(at), subject))) AS profile_of,
    (SELECT currency FROM base_currency) AS base_currency,
    ((amount, currency, at) -> roundBankers(toDecimal256(amount, 6) * if(currency IN ('', base_currency), toDecimal128(1, 12), dictGetOrNull('exchange_rate', 'rate', (base_currency, currency), toDate(greatest(at, toDateTime64(0, 3, 'UTC'))))), 6)) AS in_base,
    (json -> arrayMap(each -> if(startsWith(each, '"'), JSONExtractString(each), each), arrayFilter(each -> NOT match(each, '^(null$|[{[])'), arrayConcat([json], JSONExtractArrayRaw(json))))) AS texts_of
SELECT
    profile,
    arrayFilter((segment, is_member) -> is_member, range(1), [
        -- asked
        max(known) AND max(order_completed_1)
    ])::Array(UInt16) AS members
FROM
(
    -- what they did
    SELECT profile_of(subject, timestamp) AS profile,
        max(profile != subject OR subject_type NOT IN ('a', 'm')) AS known,
        ifNull(sumIf(in_base(commerce.revenue, commerce.currency, timestamp), event = 'Order Completed' AND arrayExists(category -> category = 'shoes', items.category) AND arrayExists(text -> position(lowerUTF8(text), lowerUTF8('birthday')) > 0, texts_of(coalesce(toJSONString(properties.`gift`.`note`), nullIf(toJSONString(arrayFilter(each -> isNotNull(each), properties.`gift`[].`note`)), '[]'), 'null')))), 0) >= toDecimal256('99.5', 18) AS order_completed_1
    FROM events
    WHERE workspace = 'main'
      AND timestamp < toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC')
      AND NOT device.is_bot
      AND event = 'Order Completed'
    GROUP BY profile
)
GROUP BY profile
HAVING notEmpty(members)
