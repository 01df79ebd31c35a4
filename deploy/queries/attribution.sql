-- What each campaign brought: orders and revenue by first, last, linear and position-based (40/20/40) attribution.
-- workspace (main): the workspace
-- since (today - 30): the first day, or moment, on the clock of zone
-- until (today + 1): the day, or moment, that is no longer in it
-- zone (UTC): the time zone of days, such as Europe/Berlin
-- lookback (30d): how long before an order counts, such as 12h or 90d
-- people (any): known, anonymous or any
SELECT * EXCEPT workspace
FROM attribution(
    workspace = {workspace:String},
    since = {since:String},
    until = {until:String},
    zone = {zone:String},
    lookback = {lookback:String},
    people = {people:String})
ORDER BY last_revenue DESC, channel, source, medium, campaign
