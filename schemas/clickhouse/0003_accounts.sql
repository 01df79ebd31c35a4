-- What was refused, and how many events took which way.
--
-- A dead letter has no identity of its own (the same event may be refused twice, and both count), so nothing here may be collapsed:
-- the block's token alone keeps the numbers exact.

CREATE TABLE IF NOT EXISTS {database}.dead_letters_in
(
    workspace LowCardinality(String),
    source LowCardinality(String),
    stage LowCardinality(String),
    reason LowCardinality(String),
    detail String,
    fingerprint String,
    message_id String,
    received_at DateTime64(3, 'UTC'),
    payload String,
    raw_partition Int32,
    raw_offset Int64,
    raw_index Int32
)
ENGINE = Null;

CREATE TABLE IF NOT EXISTS {database}.dead_letters
(
    workspace LowCardinality(String),
    source LowCardinality(String),
    stage LowCardinality(String),
    reason LowCardinality(String),
    detail String CODEC(ZSTD(1)),
    fingerprint String CODEC(ZSTD(1)),
    message_id String CODEC(ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    payload String CODEC(ZSTD(3)),
    raw_partition Int32 CODEC(ZSTD(1)),
    raw_offset Int64 CODEC(Delta, ZSTD(1)),
    raw_index Int32 CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (workspace, source, reason, fingerprint, received_at)
SETTINGS non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.dead_letters_mv TO {database}.dead_letters AS
SELECT * FROM {database}.dead_letters_in;

CREATE TABLE IF NOT EXISTS {database}.ledger_in
(
    workspace LowCardinality(String),
    source LowCardinality(String),
    stage LowCardinality(String),
    minute DateTime64(3, 'UTC'),
    outcome LowCardinality(String),
    events Int64
)
ENGINE = Null;

-- Read it with sum(events) and GROUP BY: rows of one key are added up when parts are merged, not before.
CREATE TABLE IF NOT EXISTS {database}.ledger
(
    workspace LowCardinality(String),
    source LowCardinality(String),
    stage LowCardinality(String),
    outcome LowCardinality(String),
    minute DateTime64(3, 'UTC'),
    events Int64
)
ENGINE = SummingMergeTree(events)
ORDER BY (workspace, source, stage, outcome, minute)
SETTINGS non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.ledger_mv TO {database}.ledger AS
SELECT workspace, source, stage, outcome, minute, events FROM {database}.ledger_in;
