-- Where people come from: visits by channel, and orders by what last brought the buyer before them; coming by themselves brings nobody.
WITH
    visited AS
    (
        SELECT touch.channel AS channel, count() AS visits, uniqExact(profile_id) AS people
        FROM sessions
        GROUP BY channel
    ),
    bought AS
    (
        SELECT if(touch.channel = '', 'direct', touch.channel) AS channel, count() AS orders, sum(toFloat64(amount)) AS revenue
        FROM (SELECT workspace, profile_id, ordered_at, amount FROM orders WHERE is_reported AND status != 'cancelled') AS bought
        ASOF LEFT JOIN (SELECT workspace, profile_id, timestamp, argMax(touches.touch, number) AS touch FROM touches GROUP BY ALL) AS touch
            ON bought.workspace = touch.workspace AND bought.profile_id = touch.profile_id AND bought.ordered_at >= touch.timestamp
        GROUP BY channel
    )
SELECT channel, visits, people, orders, revenue
FROM visited
FULL JOIN bought USING (channel)
ORDER BY revenue DESC, channel
