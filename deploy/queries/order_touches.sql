-- Every order with the touches of its buyer before it, and what each model gives to each: revenue back to contact and campaign.
-- workspace (main): the workspace
-- since (today - 30): the first day, or moment, on the clock of zone
-- until (today + 1): the day, or moment, that is no longer in it
-- zone (UTC): the time zone of days, such as Europe/Berlin
-- lookback (30d): how long before an order counts, such as 12h or 90d
-- people (any): known, anonymous or any
SELECT ordered_at, order_id, profile_id, net, number, touched_at, touch.channel AS channel, touch.source AS source, touch.campaign AS campaign,
    first_net, last_net, linear_net, position_net
FROM order_touches(
    workspace = {workspace:String},
    since = {since:String},
    until = {until:String},
    zone = {zone:String},
    lookback = {lookback:String},
    people = {people:String})
ORDER BY ordered_at, order_id, number
LIMIT 100
