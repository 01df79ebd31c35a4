-- Of the people who did something for the first time in a period, how many did it, or something else, again in each later one.
-- workspace (main): the workspace
-- since (today - 30): the first day, or moment, on the clock of zone
-- until (today + 1): the day, or moment, that is no longer in it
-- zone (UTC): the time zone of days, such as Europe/Berlin
-- unit (week): day, week or month
-- first (any): an event by which a person begins, or any
-- again (any): an event by which a person has come back, or any
-- people (known): known, anonymous or any
-- bots (exclude): exclude, include or only
SELECT * EXCEPT workspace
FROM retention(
    workspace = {workspace:String},
    since = {since:String},
    until = {until:String},
    zone = {zone:String},
    unit = {unit:String},
    first = {first:String},
    again = {again:String},
    people = {people:String},
    bots = {bots:String})
ORDER BY cohort, number
