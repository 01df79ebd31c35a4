-- People who added to a cart at least twice in the last 7 days and ordered nothing in them.
SELECT profile_id, user_id, emails, anonymous_ids
FROM profiles
WHERE profile_id IN (
    SELECT profile_id
    FROM events_resolved
    WHERE timestamp >= now() - INTERVAL 7 DAY
    GROUP BY profile_id
    HAVING countIf(event = 'Product Added') >= 2 AND countIf(event = 'Order Completed') = 0)
ORDER BY user_id = '', user_id, emails, anonymous_ids
