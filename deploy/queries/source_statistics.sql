-- What each source sent on each day of receipt: events, people, bots, dead letters, violations, and how long it took from
-- receipt until a query could find them.
-- workspace (main): the workspace
-- since (today - 30): the first day, or moment, on the clock of zone
-- until (today + 1): the day, or moment, that is no longer in it
-- zone (UTC): the time zone of days, such as Europe/Berlin
SELECT * EXCEPT workspace
FROM source_statistics(
    workspace = {workspace:String},
    since = {since:String},
    until = {until:String},
    zone = {zone:String})
ORDER BY day, source
