-- What brings visits, and orders, by the day of each (UTC): worked out from event times, as sessions and touches are, so it is the same whatever order events
-- came in. An order counts for the last touch of its profile before it, whichever visit that was (of one moment that of the greatest
-- visitor, as in `last_touch`); without any for `direct`. Orders that were cancelled, or never reported as ordered, count for none; amounts are in the
-- workspace's currency, after refunds.
CREATE OR REPLACE VIEW {database}.channels AS
SELECT
    workspace,
    day,
    channel,
    source,
    medium,
    campaign,
    sum(part_visits) AS visits,
    sum(part_visitors) AS visitors,
    sum(part_people) AS people,
    sum(part_bounces) AS bounces,
    sum(part_orders) AS orders,
    sum(part_revenue) AS revenue
FROM
(
    SELECT
        workspace,
        toDate32(started_at) AS day,
        touch.channel AS channel,
        touch.source AS source,
        touch.medium AS medium,
        touch.campaign AS campaign,
        count() AS part_visits,
        uniqExact(visitor) AS part_visitors,
        uniqExact(profile_id) AS part_people,
        countIf(is_bounce) AS part_bounces,
        toUInt64(0) AS part_orders,
        toDecimal128(0, 6) AS part_revenue
    FROM {database}.sessions
    GROUP BY workspace, day, channel, source, medium, campaign
    UNION ALL
    SELECT
        bought.workspace AS workspace,
        toDate32(bought.ordered_at) AS day,
        if(brought.touch.channel = '', 'direct', brought.touch.channel) AS channel,
        brought.touch.source AS source,
        brought.touch.medium AS medium,
        brought.touch.campaign AS campaign,
        toUInt64(0) AS part_visits,
        toUInt64(0) AS part_visitors,
        toUInt64(0) AS part_people,
        toUInt64(0) AS part_bounces,
        count() AS part_orders,
        sum(ifNull(bought.net_base, toDecimal128(0, 6))) AS part_revenue
    FROM (SELECT workspace, profile_id, ordered_at, net_base FROM {database}.orders WHERE is_reported AND status != 'cancelled') AS bought
    ASOF LEFT JOIN (
        SELECT workspace, profile_id, timestamp, max((visitor, touch)).2 AS touch
        FROM {database}.touches_between(since = '1970-01-01 00:00:00', until = '2200-01-02 00:00:00')
        GROUP BY workspace, profile_id, timestamp
    ) AS brought
        ON bought.workspace = brought.workspace AND bought.profile_id = brought.profile_id AND bought.ordered_at >= brought.timestamp
    GROUP BY workspace, day, channel, source, medium, campaign
)
GROUP BY workspace, day, channel, source, medium, campaign;
