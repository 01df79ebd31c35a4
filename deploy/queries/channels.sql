-- Where people come from: visits by channel, and orders by the channel of the buyer's last visit before them that was not direct.
-- A visit begins on a page that no page of the same site led to.
WITH
    arrivals AS
    (
        SELECT
            profile_id,
            timestamp,
            JSONExtractString(context, 'page', 'url') AS url,
            domainWithoutWWW(JSONExtractString(context, 'page', 'referrer')) AS site,
            extractURLParameter(url, 'utm_medium') AS medium,
            multiIf(
                medium IN ('cpc', 'ppc', 'paidsearch'), 'paid search',
                medium = 'email', 'email',
                medium LIKE '%social%', 'social',
                medium != '', 'other campaigns',
                site = '', 'direct',
                match(site, '(^|[.])(google|bing|duckduckgo|ecosia|yahoo)[.]'), 'organic search',
                match(site, '(^|[.])(facebook|instagram|tiktok|linkedin|pinterest)[.]com$'), 'social',
                'referral') AS channel
        FROM events_resolved
        WHERE type = 'page' AND site != domainWithoutWWW(url)
    ),
    orders AS
    (
        SELECT profile_id, timestamp, toFloat64(properties.total) AS total
        FROM events_resolved
        WHERE event = 'Order Completed'
    ),
    bought AS
    (
        SELECT if(touch.channel = '', 'direct', touch.channel) AS channel, count() AS orders, sum(total) AS revenue
        FROM orders
        ASOF LEFT JOIN (SELECT * FROM arrivals WHERE channel != 'direct') AS touch
            ON orders.profile_id = touch.profile_id AND orders.timestamp >= touch.timestamp
        GROUP BY channel
    ),
    visited AS
    (
        SELECT channel, count() AS visits, uniqExact(profile_id) AS people
        FROM arrivals
        GROUP BY channel
    )
SELECT channel, visits, people, orders, revenue
FROM visited
FULL JOIN bought USING (channel)
ORDER BY revenue DESC, channel
