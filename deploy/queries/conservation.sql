-- Nothing is lost and nothing is counted twice: every accepted event was stored, dropped as a duplicate, is a dead letter, was
-- somebody's who is forgotten, was dropped by one of the deployment's own steps, or is in topics alone, as its client wants it.
SELECT
    (SELECT sum(events) FROM ledger WHERE outcome = 'accepted')
        + (SELECT count() FROM dead_letters WHERE stage = 'collector') AS accepted,
    (SELECT count() FROM events_resolved) AS stored,
    (SELECT sum(events) FROM ledger WHERE outcome = 'duplicate') AS duplicates,
    (SELECT count() FROM dead_letters) AS dead_letters,
    (SELECT sum(events) FROM ledger WHERE outcome = 'forgotten') AS forgotten,
    (SELECT sum(events) FROM ledger WHERE outcome = 'dropped') AS dropped,
    (SELECT sum(events) FROM ledger WHERE outcome = 'withheld') AS withheld,
    accepted = stored + duplicates + dead_letters + forgotten + dropped + withheld AS is_balanced
