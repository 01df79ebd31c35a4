-- Of the people who were first seen, how many did each step within a time of that, in any order.
-- workspace (main): the workspace
-- since (today - 30): the first day, or moment, on the clock of zone
-- until (today + 1): the day, or moment, that is no longer in it
-- zone (UTC): the time zone of days, such as Europe/Berlin
-- steps (Signed Up, Product Viewed, Order Completed): events, also page, page:/path%, screen, screen:Name%
-- within (14d): how long after they were first seen
-- people (known): known, anonymous or any
-- bots (exclude): exclude, include or only
SELECT * EXCEPT workspace
FROM activation(
    workspace = {workspace:String},
    since = {since:String},
    until = {until:String},
    zone = {zone:String},
    steps = {steps:Array(String)},
    within = {within:String},
    people = {people:String},
    bots = {bots:String})
ORDER BY step
