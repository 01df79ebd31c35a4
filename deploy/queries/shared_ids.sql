-- Identifiers that came on the most devices in one day (UTC): beyond 200, as view shared_ids lists them, a kiosk or a test id.
SELECT
    toDate(timestamp) AS day,
    identifier.kind AS kind,
    any(identifier.value) AS value,
    uniqExact(device) AS devices,
    count() AS events
FROM
(
    SELECT
        timestamp,
        arrayFirst(identifier -> identifier.kind = 'a', identifiers).node AS device,
        arrayJoin(arrayFilter(identifier -> identifier.kind != 'a', identifiers)) AS identifier
    FROM events_resolved
    WHERE has(identifiers.kind, 'a')
)
GROUP BY day, kind, identifier.node
ORDER BY devices DESC, events DESC, day, value
LIMIT 20
