-- The newest events, with who did them.
-- workspace (main): the workspace
-- since (today - 1): the first day, or moment, on the clock of zone
-- zone (UTC): the time zone of days, such as Europe/Berlin
-- people (any): known, anonymous or any
-- bots (exclude): exclude, include or only
-- rows (50): how many
SELECT * EXCEPT (workspace, message_id)
FROM live_feed(
    workspace = {workspace:String},
    since = {since:String},
    zone = {zone:String},
    people = {people:String},
    bots = {bots:String},
    rows = {rows:UInt32})
ORDER BY received_at DESC, message_id DESC
