-- Visits by channel, device or another property, and the orders whose buyer's last visit that was.
-- workspace (main): the workspace
-- since (today - 30): the first day, or moment, on the clock of zone
-- until (today + 1): the day, or moment, that is no longer in it
-- zone (UTC): the time zone of days, such as Europe/Berlin
-- by (channel): none, channel, campaign, device, country, landing_page or day
-- lookback (30d): how long before an order counts, such as 12h or 90d
-- people (known): known, anonymous or any
-- bots (exclude): exclude, include or only
SELECT * EXCEPT workspace
FROM visit_statistics(
    workspace = {workspace:String},
    since = {since:String},
    until = {until:String},
    zone = {zone:String},
    by = {by:String},
    lookback = {lookback:String},
    people = {people:String},
    bots = {bots:String})
ORDER BY visits DESC, value
