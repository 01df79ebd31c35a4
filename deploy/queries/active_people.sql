-- People who were active on each day, in the 7 days that end with it and in the 30.
-- workspace (main): the workspace
-- since (today - 30): the first day, or moment, on the clock of zone
-- until (today + 1): the day, or moment, that is no longer in it
-- zone (UTC): the time zone of days, such as Europe/Berlin
-- people (known): known, anonymous or any
-- bots (exclude): exclude, include or only
SELECT * EXCEPT workspace
FROM active_people(
    workspace = {workspace:String},
    since = {since:String},
    until = {until:String},
    zone = {zone:String},
    people = {people:String},
    bots = {bots:String})
ORDER BY day
