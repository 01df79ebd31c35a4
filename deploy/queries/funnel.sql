-- How many people went through steps in order, on whichever devices, by what they entered with.
-- workspace (main): the workspace
-- since (today - 30): the first day, or moment, on the clock of zone
-- until (today + 1): the day, or moment, that is no longer in it
-- zone (UTC): the time zone of days, such as Europe/Berlin
-- steps (Product Viewed, Product Added, Order Completed): events in order, also page, page:/path%, screen, screen:Name%
-- within (7d): from the first step to the last at most
-- people (known): known, anonymous or any
-- bots (exclude): exclude, include or only
-- by (none): none, channel, device, country or source
SELECT * EXCEPT workspace
FROM funnel(
    workspace = {workspace:String},
    since = {since:String},
    until = {until:String},
    zone = {zone:String},
    steps = {steps:Array(String)},
    within = {within:String},
    people = {people:String},
    bots = {bots:String},
    by = {by:String})
ORDER BY value, step
