-- What questions about people start from: of which kind a subject is, its events in its own order, when it was seen, and every pointer that
-- ever held.

-- The kind of the identifier that the subject is: u (user), x (external), e (e-mail), a (anonymous), m (the event itself). A default, so that
-- what was stored before this has it too, as far as its events kept their identifiers. The cast gives a part from before there were any its type.
ALTER TABLE {database}.events
    ADD COLUMN IF NOT EXISTS subject_type LowCardinality(String) DEFAULT multiIf(
        arrayExists(identifier -> identifier.1 = subject, CAST(identifiers, 'Array(Tuple(UInt64, String, String, Bool))')),
        arrayFirst(identifier -> identifier.1 = subject, CAST(identifiers, 'Array(Tuple(UInt64, String, String, Bool))')).2,
        user_id != '', 'u',
        anonymous_id != '', 'a',
        'm'
    ) AFTER subject;

-- As in 0010_stamps.sql, with the kind.
CREATE OR REPLACE VIEW {database}.events_resolved AS
SELECT
    workspace,
    message_id,
    type,
    event,
    name,
    timestamp,
    received_at,
    sent_at,
    original_timestamp,
    anonymous_id,
    user_id,
    previous_id,
    group_id,
    subject,
    dictGetOrDefault('{database}.idr_segment', 'owner', subject, toUnixTimestamp64Milli(timestamp), subject) AS owner,
    dictGetOrDefault('{database}.idr_root', 'root', owner, owner) AS profile,
    lower(leftPad(hex(profile), 16, '0')) AS profile_id,
    session_id,
    traits,
    properties,
    properties_text,
    context,
    integrations,
    envelope,
    concat(toString(raw_partition), ':', toString(raw_offset), ':', toString(raw_index)) AS lineage,
    source,
    identifiers,
    visitor,
    touch,
    visit,
    device,
    place,
    meaning,
    commerce,
    items,
    clock_offset_ms,
    page,
    subject_type
FROM {database}.events;

-- The table is sorted for questions about one event's name; a person's journey asks for a few subjects of all names. The projection holds the
-- subject and where its rows are, seven bytes a row, and is made anew when parts are merged that hold one event twice. Where the index by_subject
-- of 0001_events.sql leaves less than a million rows to read, a query takes it only with min_table_rows_to_use_projection_index = 0.
ALTER TABLE {database}.events MODIFY SETTING deduplicate_merge_projection_mode = 'rebuild';
ALTER TABLE {database}.events ADD PROJECTION IF NOT EXISTS rows_by_subject (SELECT _part_offset ORDER BY subject);
ALTER TABLE {database}.events MATERIALIZE PROJECTION rows_by_subject;

-- One row per subject when its parts are merged: from when to when people and bots were seen under it. What was never seen has the first
-- moment after the last (2299 and 1970), so that comparisons with both need no other column. No counts: an event that comes under one id
-- from two devices is one row of `events` when they are merged, and could not be taken off here.
CREATE TABLE IF NOT EXISTS {database}.subjects
(
    workspace LowCardinality(String),
    subject UInt64 CODEC(ZSTD(1)),
    subject_type SimpleAggregateFunction(max, LowCardinality(String)),
    human_first_seen SimpleAggregateFunction(min, DateTime64(3, 'UTC')) CODEC(Delta, ZSTD(1)),
    human_last_seen SimpleAggregateFunction(max, DateTime64(3, 'UTC')) CODEC(Delta, ZSTD(1)),
    bot_first_seen SimpleAggregateFunction(min, DateTime64(3, 'UTC')) CODEC(Delta, ZSTD(1)),
    bot_last_seen SimpleAggregateFunction(max, DateTime64(3, 'UTC')) CODEC(Delta, ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (workspace, subject)
SETTINGS merge_selector_base = 10, non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.subjects_mv TO {database}.subjects AS
SELECT
    workspace,
    subject,
    max(multiIf(
        has(identifiers.node, subject), arrayFirst(identifier -> identifier.node = subject, identifiers).kind,
        user_id != '', 'u',
        anonymous_id != '', 'a',
        'm'
    )) AS subject_type,
    min(if(device.is_bot, toDateTime64('2299-12-31 00:00:00', 3, 'UTC'), timestamp)) AS human_first_seen,
    max(if(device.is_bot, toDateTime64('1970-01-01 00:00:00', 3, 'UTC'), timestamp)) AS human_last_seen,
    min(if(device.is_bot, timestamp, toDateTime64('2299-12-31 00:00:00', 3, 'UTC'))) AS bot_first_seen,
    max(if(device.is_bot, timestamp, toDateTime64('1970-01-01 00:00:00', 3, 'UTC'))) AS bot_last_seen
FROM {database}.events_in
GROUP BY workspace, subject;

-- Those of before. What arrives meanwhile comes twice, which changes no first and no last.
INSERT INTO {database}.subjects (workspace, subject, subject_type, human_first_seen, human_last_seen, bot_first_seen, bot_last_seen)
SELECT
    workspace,
    subject,
    max(subject_type),
    min(if(device.is_bot, toDateTime64('2299-12-31 00:00:00', 3, 'UTC'), timestamp)),
    max(if(device.is_bot, toDateTime64('1970-01-01 00:00:00', 3, 'UTC'), timestamp)),
    min(if(device.is_bot, timestamp, toDateTime64('2299-12-31 00:00:00', 3, 'UTC'))),
    max(if(device.is_bot, timestamp, toDateTime64('1970-01-01 00:00:00', 3, 'UTC')))
FROM {database}.events
GROUP BY workspace, subject;

-- Every version of every pointer: who somebody was taken for at a moment of the past. `updated_at` is when the pointer was made. Nothing
-- is replaced but by itself.
CREATE TABLE IF NOT EXISTS {database}.identity_pointer_log
(
    workspace LowCardinality(String),
    node UInt64 CODEC(ZSTD(1)),
    owner UInt64 CODEC(ZSTD(1)),
    segments Array(Tuple(valid_from DateTime64(3, 'UTC'), valid_to DateTime64(3, 'UTC'), owner UInt64)) CODEC(ZSTD(1)),
    version UInt64 CODEC(ZSTD(1)),
    is_deleted UInt8,
    updated_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, node, version)
SETTINGS non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.identity_pointer_log_mv TO {database}.identity_pointer_log AS
SELECT workspace, node, owner, segments, version, is_deleted, updated_at
FROM {database}.pointers_in;

-- As far back as they are still there.
INSERT INTO {database}.identity_pointer_log (workspace, node, owner, segments, version, is_deleted, updated_at)
SELECT workspace, node, owner, segments, version, is_deleted, updated_at
FROM {database}.identity_pointers;

-- When a trait became known here. Those of before: long ago.
ALTER TABLE {database}.traits ADD COLUMN IF NOT EXISTS received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1));
ALTER TABLE {database}.traits_mv MODIFY QUERY
SELECT workspace, subject, trait.1 AS name, trait.2 AS value, timestamp, message_id, received_at
FROM {database}.events_in
ARRAY JOIN JSONExtractKeysAndValuesRaw(traits) AS trait
WHERE type = 'identify';

-- As in 0012_traits_and_groups.sql, with the time.
ALTER TABLE {database}.group_traits ADD COLUMN IF NOT EXISTS received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1));
ALTER TABLE {database}.group_traits_mv MODIFY QUERY
SELECT workspace, group_id, trait.1 AS name, trait.2 AS value, timestamp, message_id, subject, received_at
FROM
(
    SELECT workspace, group_id, traits, timestamp, message_id, subject, received_at
    FROM {database}.events_in
    WHERE type = 'group' AND group_id != ''
)
ARRAY JOIN arrayPushFront(arrayFilter(each -> each.1 != '', JSONExtractKeysAndValuesRaw(traits)), ('', '')) AS trait;
