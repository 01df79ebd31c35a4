-- People, the last seen first: what is known of each, on how many devices they came, and when.
SELECT profile_id, user_id, emails, length(anonymous_ids) AS devices, first_seen, last_seen, events
FROM profiles
ORDER BY last_seen DESC, profile_id
LIMIT 20
