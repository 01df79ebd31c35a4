-- Who is who: one row per node says whom it points to; the newest version of a node replaces all earlier ones, segments included.
--
-- Two steps make a lookup of one hop: `idr_owner` holds the pointers as they are, `idr_root` follows each to the end of its chain when it
-- is loaded, however long the chain is (alias chains reach 16). `idr_segment` says who owned a contested device at which time.
-- The pointers' sink orders the three to be loaded, in this order, after its inserts; LIFETIME does the same where no sink is near
-- (it never fires in an engine without a server). The names live in the database, so several databases on one server never meet;
-- that is also why there is no SQL function here: those are global to a server.

CREATE TABLE IF NOT EXISTS {database}.pointers_in
(
    workspace LowCardinality(String),
    node UInt64,
    owner UInt64,
    segments Array(Tuple(valid_from DateTime64(3, 'UTC'), valid_to DateTime64(3, 'UTC'), owner UInt64)),
    version UInt64,
    is_deleted UInt8,
    updated_at DateTime64(3, 'UTC')
)
ENGINE = Null;

CREATE TABLE IF NOT EXISTS {database}.identity_pointers
(
    workspace LowCardinality(String),
    node UInt64,
    owner UInt64,
    segments Array(Tuple(valid_from DateTime64(3, 'UTC'), valid_to DateTime64(3, 'UTC'), owner UInt64)) CODEC(ZSTD(1)),
    version UInt64 CODEC(ZSTD(1)),
    is_deleted UInt8,
    updated_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (workspace, node)
SETTINGS non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.identity_pointers_mv TO {database}.identity_pointers AS
SELECT * FROM {database}.pointers_in;

-- A contested device is left out: its segments decide, and where they name the device itself it is its own root.
CREATE DICTIONARY IF NOT EXISTS {database}.idr_owner
(
    node UInt64,
    owner UInt64 HIERARCHICAL
)
PRIMARY KEY node
SOURCE(CLICKHOUSE({dictionary_user}
    QUERY 'SELECT node, owner FROM {database}.identity_pointers FINAL WHERE owner != node AND empty(segments)'
    INVALIDATE_QUERY 'SELECT toString((count(), sum(version), max(updated_at))) FROM {database}.identity_pointers'))
LAYOUT(HASHED())
LIFETIME(MIN 5 MAX 15);

CREATE DICTIONARY IF NOT EXISTS {database}.idr_root
(
    node UInt64,
    root UInt64
)
PRIMARY KEY node
SOURCE(CLICKHOUSE({dictionary_user}
    QUERY 'SELECT node, if(empty(chain), owner, chain[-1]) AS root FROM (SELECT node, owner, dictGetHierarchy(''{database}.idr_owner'', node) AS chain FROM dictionary(''{database}.idr_owner''))'))
LAYOUT(HASHED())
LIFETIME(MIN 5 MAX 15);

-- Bounds in milliseconds, both inclusive, as this layout has them; a segment's own end is exclusive.
CREATE DICTIONARY IF NOT EXISTS {database}.idr_segment
(
    node UInt64,
    valid_from Int64,
    valid_to Int64,
    owner UInt64
)
PRIMARY KEY node
SOURCE(CLICKHOUSE({dictionary_user}
    QUERY 'SELECT node, toUnixTimestamp64Milli(segment.valid_from) AS valid_from, toUnixTimestamp64Milli(segment.valid_to) - 1 AS valid_to, segment.owner AS owner FROM {database}.identity_pointers FINAL ARRAY JOIN segments AS segment'
    INVALIDATE_QUERY 'SELECT toString((count(), sum(version), max(updated_at))) FROM {database}.identity_pointers'))
LAYOUT(RANGE_HASHED(RANGE_LOOKUP_STRATEGY 'max'))
RANGE(MIN valid_from MAX valid_to)
LIFETIME(MIN 5 MAX 15);
