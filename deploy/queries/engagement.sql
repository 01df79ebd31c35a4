-- How many people were active in each period, how many for the first time, how much they did, and how many of a period's
-- people are there on a day of it (stickiness).
-- workspace (main): the workspace
-- since (today - 30): the first day, or moment, on the clock of zone
-- until (today + 1): the day, or moment, that is no longer in it
-- zone (UTC): the time zone of days, such as Europe/Berlin
-- unit (week): day, week or month
-- people (known): known, anonymous or any
-- bots (exclude): exclude, include or only
SELECT * EXCEPT (workspace, first_day, last_day)
FROM engagement(
    workspace = {workspace:String},
    since = {since:String},
    until = {until:String},
    zone = {zone:String},
    unit = {unit:String},
    people = {people:String},
    bots = {bots:String})
ORDER BY period
