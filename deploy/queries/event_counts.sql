-- How often each event came on each site, in each period, and from how many people.
-- workspace (main): the workspace
-- since (today - 30): the first day, or moment, on the clock of zone
-- until (today + 1): the day, or moment, that is no longer in it
-- zone (UTC): the time zone of days, such as Europe/Berlin
-- unit (day): day, week or month
-- people (any): known, anonymous or any
-- bots (exclude): exclude, include or only
SELECT * EXCEPT workspace
FROM event_counts(
    workspace = {workspace:String},
    since = {since:String},
    until = {until:String},
    zone = {zone:String},
    unit = {unit:String},
    people = {people:String},
    bots = {bots:String})
ORDER BY period, source, site, events DESC, type, event
