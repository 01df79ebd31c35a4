WITH RECURSIVE
    ((subject, at, spans) -> arrayFirst(owner -> owner != 0, [arrayFirst(span -> span.1 <= at AND at < span.2, spans).3, subject])) AS owner_then,
    pointers_then AS (SELECT node, argMax(owner, version) AS next, argMax(segments, version) AS spans FROM identity_pointer_log WHERE workspace = 'main' AND updated_at < toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC') GROUP BY node HAVING NOT argMax(is_deleted, version)),
    devices_then AS (SELECT node AS device, spans FROM pointers_then WHERE notEmpty(spans)),
    links_then AS (SELECT node, next FROM pointers_then WHERE empty(spans) AND next != node),
    chains_then AS (SELECT node, next AS root, 1 AS hops FROM links_then UNION ALL SELECT chains_then.node, links_then.next, hops + 1 FROM chains_then INNER JOIN links_then ON links_then.node = chains_then.root WHERE hops < 64),
    roots_then AS (SELECT node AS owned, argMax(root, hops) AS root FROM chains_then GROUP BY node)
SELECT
    profile,
    arrayFilter((segment, is_member) -> is_member, range(1), [
        -- asked
        max(order_completed_1)
    ])::Array(UInt16) AS members
FROM
(
    -- what they did
    SELECT if(roots_then.root = 0, owner_then(subject, timestamp, devices_then.spans), roots_then.root) AS profile,
        countIf(event = 'Order Completed') >= 1 AS order_completed_1
    FROM events
    LEFT JOIN devices_then ON devices_then.device = subject
    LEFT JOIN roots_then ON roots_then.owned = owner_then(subject, timestamp, devices_then.spans)
    WHERE workspace = 'main'
      AND timestamp < toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC')
      AND received_at < toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC')
      AND NOT device.is_bot
      AND event = 'Order Completed'
    GROUP BY profile
)
GROUP BY profile
HAVING notEmpty(members)
