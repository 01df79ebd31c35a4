-- One person's whole history, over all devices.
-- person: a user id, an e-mail address, an anonymous id or a profile id
SELECT
    timestamp,
    type,
    if(event != '', event, name) AS what,
    anonymous_id AS device,
    user_id,
    JSONExtractString(context, 'library', 'name') AS client
FROM events_resolved
WHERE profile_id IN (
    SELECT profile_id
    FROM profiles
    WHERE {person:String} IN (user_id, profile_id) OR has(emails, {person:String}) OR has(anonymous_ids, {person:String}))
ORDER BY timestamp, message_id
