"""What `stitchline why` asks ClickHouse, round by round (neighbourhood.py)."""

LINKS_SQL = """\
SELECT
    type, event, previous_id,
    identifiers.node AS nodes, identifiers.kind AS kinds, identifiers.value AS values, identifiers.claimed AS claims,
    if(empty(arrayIntersect(nodes, {frontier:Array(UInt64)}) AS met), [toUInt64(0)], met) AS near_all,
    arrayJoin(near_all) AS near,
    min((toUnixTimestamp64Milli(timestamp), message_id, source)) AS first,
    if(is_stamp, groupArraySorted({stamps:UInt32})((-toUnixTimestamp64Milli(timestamp), message_id, source)), []) AS latest
FROM
(
    SELECT
        type, if(is_logout, event, '') AS event, previous_id, identifiers, timestamp, message_id, source,
        type = 'track' AND lower(events.event) IN {logouts:Array(String)} AS is_logout,
        is_logout OR type IN {stamped:Array(String)} OR has(identifiers.claimed, true) AS is_stamp
    FROM events
    WHERE workspace = {workspace:String}
      AND (length(identifiers) > 1 OR type = 'alias' OR is_logout)
      AND (hasAny(identifiers.node, {frontier:Array(UInt64)}) OR (type = 'alias' AND previous_id IN {previous:Array(String)}))
)
GROUP BY type, event, previous_id, nodes, kinds, values, claims, is_stamp
ORDER BY near, length(arrayIntersect(nodes, {known:Array(UInt64)})) DESC, first
LIMIT {limit:UInt32} BY near"""

POINTERS_SQL = """\
SELECT node, owner, arrayMap(since -> toUnixTimestamp64Milli(since), segments.valid_from), segments.owner
FROM identity_pointers FINAL
WHERE workspace = {workspace:String} AND node IN {nodes:Array(UInt64)}"""

NODES_SQL = """\
SELECT DISTINCT kind, value, node
FROM identifiers
WHERE workspace = {workspace:String} AND kind IN ('u', 'a') AND value IN {values:Array(String)}"""

# Events that were stored before they kept their identifiers, by the columns that they have.
OLDER_SQL = """\
SELECT source, message_id, type, event, toUnixTimestamp64Milli(timestamp), previous_id, context, envelope
FROM events
WHERE workspace = {workspace:String} AND empty(identifiers)
  AND (
      subject IN {frontier:Array(UInt64)}
      OR anonymous_id IN {previous:Array(String)}
      OR user_id IN {previous:Array(String)}
      OR previous_id IN {previous:Array(String)}
      OR (notEmpty({needles:Array(String)}) AND multiSearchAnyCaseInsensitive(envelope, {needles:Array(String)})))
ORDER BY timestamp
LIMIT {older:UInt32}"""
