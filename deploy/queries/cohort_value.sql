-- What people are worth by when they first ordered (or were first seen) and what first brought them: each period's revenue, and up to it.
-- workspace (main): the workspace
-- since (today - 365): the first day, or moment, on the clock of zone
-- until (today + 1): the day, or moment, that is no longer in it
-- zone (UTC): the time zone of days, such as Europe/Berlin
-- unit (month): day, week or month
-- cohort (order): order or seen
-- by (none): none or channel
-- people (known): known, anonymous or any
-- bots (exclude): exclude, include or only
SELECT * EXCEPT workspace
FROM cohort_value(
    workspace = {workspace:String},
    since = {since:String},
    until = {until:String},
    zone = {zone:String},
    unit = {unit:String},
    cohort = {cohort:String},
    by = {by:String},
    people = {people:String},
    bots = {bots:String})
ORDER BY cohort, channel, number
