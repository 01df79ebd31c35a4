-- Nothing is lost and nothing is counted twice: every accepted event was stored, dropped as a duplicate, is a dead letter, or
-- was somebody's who is forgotten.
SELECT
    (SELECT sum(events) FROM ledger WHERE outcome = 'accepted')
        + (SELECT count() FROM dead_letters WHERE stage = 'collector') AS accepted,
    (SELECT count() FROM events_resolved) AS stored,
    (SELECT sum(events) FROM ledger WHERE outcome = 'duplicate') AS duplicates,
    (SELECT count() FROM dead_letters) AS dead_letters,
    (SELECT sum(events) FROM ledger WHERE outcome = 'forgotten') AS forgotten,
    accepted = stored + duplicates + dead_letters + forgotten AS is_balanced
