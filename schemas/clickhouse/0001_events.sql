-- Events as they were resolved: stored once, never rewritten. Who they belong to is looked up when they are read (0004_views.sql).
--
-- The sink inserts Avro into `events_in`, a Null table that keeps nothing; each view below fills one table from it. Every table behind
-- a view has a deduplication window of its own, counted in parts, so that a block that is inserted again under its token adds nothing.
-- Why 100,000: docs/decisions/0008. The replicated_ settings hold where a server makes every table a replicated one.
-- merge_selector_base (5 by default): small parts are merged fewer times, a sixth less CPU (docs/benchmarks.md).
--
-- One statement ends with a semicolon at the end of a line. {database} and {dictionary_user} are filled in by
-- sinks/migrations.py. A file that has been applied is never edited: a change is a new file.

CREATE TABLE IF NOT EXISTS {database}.events_in
(
    workspace LowCardinality(String),
    source LowCardinality(String),
    message_id String,
    type LowCardinality(String),
    event LowCardinality(String),
    name String,
    timestamp DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    sent_at DateTime64(3, 'UTC'),
    original_timestamp DateTime64(3, 'UTC'),
    anonymous_id String,
    user_id String,
    previous_id String,
    group_id String,
    subject UInt64,
    profile_id String,
    session_id String,
    traits String,
    properties String,
    context String,
    integrations String,
    envelope String,
    identifiers Array(Tuple(node UInt64, kind String, value String)),
    raw_partition Int32,
    raw_offset Int64,
    raw_index Int32
)
ENGINE = Null;

-- ReplacingMergeTree is the second net only (the first is the token): its key says nothing about when an event was received.
-- Months outside 2010 to 2039 share one partition, so that clients with mad clocks cannot make thousands of parts.
-- `properties` is the JSON column that queries read by path; `properties_text` holds the text where that column cannot (a number like
-- 1e400, half a surrogate pair, nesting beyond the parser's limit), and is empty otherwise. `envelope` is what the client sent.
-- Shared data as plain maps: with the default form a client that invents property names makes merges some sixty times slower.
CREATE TABLE IF NOT EXISTS {database}.events
(
    workspace LowCardinality(String),
    source LowCardinality(String),
    message_id String CODEC(ZSTD(1)),
    type LowCardinality(String),
    event LowCardinality(String),
    name String CODEC(ZSTD(1)),
    timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    sent_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    original_timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    anonymous_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    previous_id String CODEC(ZSTD(1)),
    group_id String CODEC(ZSTD(1)),
    subject UInt64 CODEC(ZSTD(1)),
    profile_hint String CODEC(ZSTD(1)),
    session_id String CODEC(ZSTD(1)),
    traits String CODEC(ZSTD(1)),
    properties JSON(max_dynamic_paths = 256),
    properties_text String CODEC(ZSTD(1)),
    context String CODEC(ZSTD(1)),
    integrations String CODEC(ZSTD(1)),
    envelope String CODEC(ZSTD(3)),
    raw_partition Int32 CODEC(ZSTD(1)),
    raw_offset Int64 CODEC(Delta, ZSTD(1)),
    raw_index Int32 CODEC(ZSTD(1)),
    INDEX by_message_id message_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_subject subject TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree
PARTITION BY if(timestamp >= toDateTime64('2010-01-01 00:00:00', 3, 'UTC') AND timestamp < toDateTime64('2040-01-01 00:00:00', 3, 'UTC'), toYYYYMM(timestamp), 0)
ORDER BY (workspace, event, toDate(timestamp), subject, timestamp, message_id)
SETTINGS merge_selector_base = 10, object_shared_data_serialization_version = 'map_with_buckets', non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.events_mv TO {database}.events AS
SELECT
    * EXCEPT (profile_id, identifiers, properties),
    profile_id AS profile_hint,
    JSONExtract(events_in.properties, 'JSON(max_dynamic_paths = 256)') AS properties,
    if(length(events_in.properties) > 2 AND properties = CAST('{}', 'JSON(max_dynamic_paths = 256)'), events_in.properties, '') AS properties_text
FROM {database}.events_in;

-- Every identifier that any event named, once, in clear: what `profiles` shows and what a search for a person starts from.
CREATE TABLE IF NOT EXISTS {database}.identifiers
(
    workspace LowCardinality(String),
    kind LowCardinality(String),
    value String CODEC(ZSTD(1)),
    node UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, kind, value, node)
SETTINGS merge_selector_base = 10, non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.identifiers_mv TO {database}.identifiers AS
SELECT DISTINCT workspace, identifier.kind AS kind, identifier.value AS value, identifier.node AS node
FROM {database}.events_in
ARRAY JOIN identifiers AS identifier;

-- One row for each top-level trait of each identify call, the value as JSON text. Which of them a profile has is decided when it is
-- read: the last by event time. Two values under one name in one call are two rows, hence `value` at the end of the sort key.
CREATE TABLE IF NOT EXISTS {database}.traits
(
    workspace LowCardinality(String),
    subject UInt64 CODEC(ZSTD(1)),
    name LowCardinality(String),
    value String CODEC(ZSTD(1)),
    timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    message_id String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PRIMARY KEY (workspace, subject, name, timestamp, message_id)
ORDER BY (workspace, subject, name, timestamp, message_id, value)
SETTINGS merge_selector_base = 10, non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.traits_mv TO {database}.traits AS
SELECT workspace, subject, trait.1 AS name, trait.2 AS value, timestamp, message_id
FROM {database}.events_in
ARRAY JOIN JSONExtractKeysAndValuesRaw(traits) AS trait
WHERE type = 'identify';
