-- What did not conform to the semantic catalogue or to a source's tracking plan, by the day on which it was received (UTC). An index in a list
-- is shown as *, so that what is wrong in the same way counts as one. Blocked events are dead letters, whose detail lists what is wrong.

CREATE OR REPLACE VIEW {database}.violations AS
SELECT
    workspace,
    source,
    event,
    concat(
        replaceRegexpAll(splitByChar(':', said)[1], '\\.[0-9]+', '.*'),
        substring(said, length(splitByChar(':', said)[1]) + 1)
    ) AS violation,
    day,
    is_blocked,
    count() AS events,
    max(message_id) AS example
FROM
(
    SELECT
        workspace,
        source,
        if(event = '', type, event) AS event,
        arrayJoin(meaning.violations) AS said,
        toDate(received_at, 'UTC') AS day,
        false AS is_blocked,
        message_id
    FROM {database}.events
    UNION ALL
    SELECT
        workspace,
        source,
        if(JSONExtractString(payload, 'event') = '', JSONExtractString(payload, 'type'), JSONExtractString(payload, 'event')) AS event,
        arrayJoin(splitByString('; ', detail)) AS said,
        toDate(received_at, 'UTC') AS day,
        true AS is_blocked,
        message_id
    FROM {database}.dead_letters
    WHERE stage = 'resolve' AND reason IN ('spec_violation', 'plan_violation')
)
GROUP BY workspace, source, event, violation, day, is_blocked;
