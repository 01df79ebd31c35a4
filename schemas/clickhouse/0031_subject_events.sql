-- The events of a subject side by side, with what a journey shows of them. `events` is sorted for questions about one event's name: one person's
-- events lie in as many granules as they are, of which each costs the reading of a thousand others (docs/decisions/0066).

-- `properties` and `traits` as they were sent. Small granules and small blocks of compressed data, since one person has few rows: a block is
-- read whole. In months it would lie in as many parts as there are months.
CREATE TABLE IF NOT EXISTS {database}.subject_events
(
    workspace LowCardinality(String),
    subject UInt64 CODEC(ZSTD(1)),
    subject_type LowCardinality(String),
    timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    message_id String CODEC(ZSTD(1)),
    type LowCardinality(String),
    event LowCardinality(String),
    name String CODEC(ZSTD(1)),
    source LowCardinality(String),
    anonymous_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    group_id String CODEC(ZSTD(1)),
    session_id String CODEC(ZSTD(1)),
    channel LowCardinality(String),
    touch Tuple(channel LowCardinality(String), source String, medium String, campaign String) CODEC(ZSTD(1)),
    device Tuple(kind LowCardinality(String), brand LowCardinality(String), model LowCardinality(String), os LowCardinality(String), os_version LowCardinality(String), browser LowCardinality(String), browser_version LowCardinality(String), is_bot Bool) CODEC(ZSTD(1)),
    url String CODEC(ZSTD(1)),
    properties String CODEC(ZSTD(1)),
    traits String CODEC(ZSTD(1)),
    raw_partition Int32 CODEC(ZSTD(1)),
    raw_offset Int64 CODEC(Delta, ZSTD(1)),
    raw_index Int32 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PRIMARY KEY (workspace, subject, timestamp)
ORDER BY (workspace, subject, timestamp, message_id, event)
SETTINGS index_granularity = 256, min_compress_block_size = 4096, max_compress_block_size = 16384, merge_selector_base = 10, non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.subject_events_mv TO {database}.subject_events AS
SELECT
    workspace,
    subject,
    multiIf(
        has(identifiers.node, subject), arrayFirst(identifier -> identifier.node = subject, identifiers).kind,
        user_id != '', 'u',
        anonymous_id != '', 'a',
        'm'
    ) AS subject_type,
    timestamp,
    message_id,
    type,
    event,
    name,
    source,
    anonymous_id,
    user_id,
    group_id,
    session_id,
    visit.touch.channel AS channel,
    CAST((touch.channel, touch.source, touch.medium, touch.campaign), 'Tuple(channel String, source String, medium String, campaign String)') AS touch,
    device,
    JSONExtract(context, 'page', 'Tuple(url String)').url AS url,
    properties,
    traits,
    raw_partition,
    raw_offset,
    raw_index
FROM {database}.events_in;

-- What is there already, made beside the table and moved there at once, so that a run that is cut off can be made again. What comes while
-- this runs comes twice, and is one row when parts are merged. The JSON column has lost how the text was written, not what it says.
DROP TABLE IF EXISTS {database}.subject_events_before;
CREATE TABLE {database}.subject_events_before AS {database}.subject_events;
INSERT INTO {database}.subject_events_before
SELECT
    workspace,
    subject,
    subject_type,
    timestamp,
    message_id,
    type,
    event,
    name,
    source,
    anonymous_id,
    user_id,
    group_id,
    session_id,
    visit.touch.channel,
    (touch.channel, touch.source, touch.medium, touch.campaign),
    device,
    page.url,
    if(properties_text = '', toString(properties), properties_text),
    traits,
    raw_partition,
    raw_offset,
    raw_index
FROM {database}.events;
ALTER TABLE {database}.subject_events_before MOVE PARTITION tuple() TO TABLE {database}.subject_events;
DROP TABLE {database}.subject_events_before;

-- For what is written from now on, as above.
ALTER TABLE {database}.subject_details MODIFY SETTING min_compress_block_size = 4096, max_compress_block_size = 16384;
