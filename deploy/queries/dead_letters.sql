-- What was refused and why, the most frequent first, with the latest example. The payload is kept whole.
SELECT
    reason,
    stage,
    count() AS events,
    max(received_at) AS latest,
    argMax(detail, received_at) AS detail,
    substring(argMax(payload, received_at), 1, 100) AS payload_begins
FROM dead_letters
GROUP BY reason, stage
ORDER BY events DESC, reason, stage
