-- What arrived in each minute, the latest first, and how long after it happened (the median).
SELECT
    toStartOfMinute(received_at) AS minute,
    count() AS events,
    countIf(type = 'page') AS pages,
    countIf(type = 'track') AS tracks,
    countIf(type = 'identify') AS identifies,
    round(quantile(0.5)(dateDiff('second', timestamp, received_at))) AS seconds_late
FROM events_resolved
GROUP BY minute
ORDER BY minute DESC
LIMIT 60
