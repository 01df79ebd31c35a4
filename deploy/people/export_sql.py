"""What `stitchline export` asks ClickHouse, section by section. Parameters: workspace, root (the person's node), profile (the
same in hex), roots and segments (the dictionaries' names). `MEMBERS` stands for the person's nodes."""

# Everybody whose root is the person, and devices that were theirs at some time.
_MEMBERS = """\
    SELECT {root:UInt64} AS node
    UNION DISTINCT
    SELECT node FROM dictionary({roots:String}) WHERE root = {root:UInt64}
    UNION DISTINCT
    SELECT node FROM identity_pointers FINAL
    WHERE workspace = {workspace:String}
      AND arrayExists(owner -> dictGetOrDefault({roots:String}, 'root', owner, owner) = {root:UInt64}, segments.owner)"""

# Of one identifier: several for a device that several people used.
ROOTS = """\
SELECT DISTINCT dictGetOrDefault({roots:String}, 'root', owner, owner) AS root
FROM
(
    SELECT arrayJoin(if(empty(segments), [{node:UInt64}], segments.owner)) AS owner
    FROM (SELECT groupArrayArray(segments) AS segments FROM identity_pointers FINAL
          WHERE workspace = {workspace:String} AND node = {node:UInt64})
)"""

_PROFILE = """\
SELECT 'profile' AS kind, workspace, profile_id, user_id, emails, anonymous_ids, traits, first_seen, last_seen, events
FROM profiles
WHERE workspace = {workspace:String} AND profile_id = {profile:String}"""

_IDENTIFIER = """\
SELECT
    'identifier' AS kind, workspace, identifiers.kind AS type, value,
    lower(leftPad(hex(identifiers.node), 16, '0')) AS node, min(claimed) AS only_claimed
FROM identifiers
WHERE workspace = {workspace:String} AND identifiers.node IN (MEMBERS)
GROUP BY workspace, identifiers.kind, value, identifiers.node
ORDER BY type, value"""

_POINTER = """\
SELECT
    'pointer' AS kind, workspace,
    lower(leftPad(hex(identity_pointers.node), 16, '0')) AS node,
    lower(leftPad(hex(identity_pointers.owner), 16, '0')) AS owner,
    arrayMap(
        each -> map(
            'valid_from', toString(each.valid_from),
            'valid_to', toString(each.valid_to),
            'owner', lower(leftPad(hex(each.owner), 16, '0'))),
        arrayFilter(
            each -> dictGetOrDefault({roots:String}, 'root', each.owner, each.owner) = {root:UInt64},
            identity_pointers.segments)) AS own_segments,
    updated_at
FROM identity_pointers FINAL
WHERE workspace = {workspace:String} AND identity_pointers.node IN (MEMBERS)
ORDER BY node"""

_TRAIT = """\
SELECT
    'trait' AS kind, workspace, lower(leftPad(hex(traits.subject), 16, '0')) AS subject, name, value, timestamp, message_id
FROM traits
WHERE workspace = {workspace:String} AND traits.subject IN (MEMBERS)
  AND dictGetOrDefault({roots:String}, 'root',
      dictGetOrDefault(
          {segments:String}, 'owner', traits.subject, toUnixTimestamp64Milli(timestamp), traits.subject) AS owner,
      owner) = {root:UInt64}
ORDER BY timestamp, name, value"""

# What the person's own calls said of groups; a line with an empty name is the call that made them a member.
_GROUP = """\
SELECT
    'group' AS kind, workspace, lower(leftPad(hex(group_traits.subject), 16, '0')) AS subject, group_id, name, value, timestamp,
    message_id
FROM group_traits FINAL
WHERE workspace = {workspace:String} AND group_traits.subject IN (MEMBERS)
  AND dictGetOrDefault({roots:String}, 'root',
      dictGetOrDefault(
          {segments:String}, 'owner', group_traits.subject, toUnixTimestamp64Milli(timestamp), group_traits.subject) AS owner,
      owner) = {root:UInt64}
ORDER BY timestamp, group_id, name, value"""

_CART = """\
SELECT
    'cart' AS kind, workspace, lower(leftPad(hex(cart_states.subject), 16, '0')) AS subject, cart_id, source, timestamp,
    active_at, ordered_at, candidate_at, currency, value, items
FROM cart_states FINAL
WHERE workspace = {workspace:String} AND cart_states.subject IN (MEMBERS)
  AND dictGetOrDefault({roots:String}, 'root',
      dictGetOrDefault(
          {segments:String}, 'owner', cart_states.subject, toUnixTimestamp64Milli(active_at), cart_states.subject) AS owner,
      owner) = {root:UInt64}
ORDER BY active_at, cart_id"""

_LIST = """\
SELECT
    'list' AS kind, workspace, list, lower(leftPad(hex(lists.node), 16, '0')) AS node,
    fromUnixTimestamp64Milli(toInt64(version), 'UTC') AS loaded_at
FROM lists
WHERE workspace = {workspace:String} AND lists.node IN (MEMBERS)
ORDER BY list, node"""

# Of profiles that they absorbed too; not of what a device that several people used is by itself.
_SEGMENT = """\
SELECT
    'segment' AS kind, workspace, segment, segment_stays.profile_id AS profile_id, entered_at, entered_effective_at,
    entered_reason, left_at, left_effective_at, left_reason
FROM segment_stays
WHERE workspace = {workspace:String} AND profile IN (MEMBERS)
  AND dictGetOrDefault({roots:String}, 'root', profile, profile) = {root:UInt64}
ORDER BY entered_at, segment"""

_EVENT = """\
SELECT
    'event' AS kind, workspace, source, message_id, type, event, name, timestamp, received_at, sent_at, original_timestamp,
    anonymous_id, user_id, previous_id, group_id, lower(leftPad(hex(events_resolved.subject), 16, '0')) AS subject, profile_id,
    session_id, lineage, traits, properties, context, integrations, envelope,
    lower(leftPad(hex(events_resolved.visitor), 16, '0')) AS visitor, page, touch, visit, device, place, meaning, commerce, items,
    clock_offset_ms, consent, bot
FROM events_resolved
WHERE workspace = {workspace:String} AND profile = {root:UInt64} AND events_resolved.subject IN (MEMBERS)
ORDER BY timestamp, message_id"""

# The person's identifiers in clear; of a contested device also when it was theirs (ms).
_NAMES = """\
SELECT
    kind, value,
    any(arrayMap(
        each -> (toUnixTimestamp64Milli(each.valid_from), toUnixTimestamp64Milli(each.valid_to)),
        arrayFilter(
            each -> dictGetOrDefault({roots:String}, 'root', each.owner, each.owner) = {root:UInt64}, contested.segments)
    )) AS spans
FROM identifiers
LEFT JOIN
(
    SELECT node, segments FROM identity_pointers FINAL WHERE workspace = {workspace:String} AND notEmpty(segments)
) AS contested USING (node)
WHERE workspace = {workspace:String} AND value != '' AND node IN (MEMBERS)
GROUP BY kind, value"""

LETTERS = """\
SELECT workspace, source, stage, reason, detail, message_id, toUnixTimestamp64Milli(received_at), payload
FROM dead_letters
WHERE workspace = {workspace:String}"""

SECTIONS = {
    name: sql.replace("MEMBERS", _MEMBERS)
    for name, sql in (
        ("profile", _PROFILE),
        ("identifier", _IDENTIFIER),
        ("pointer", _POINTER),
        ("trait", _TRAIT),
        ("group", _GROUP),
        ("cart", _CART),
        ("list", _LIST),
        ("segment", _SEGMENT),
        ("event", _EVENT),
    )
}
NAMES = _NAMES.replace("MEMBERS", _MEMBERS)
