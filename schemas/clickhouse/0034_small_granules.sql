-- Who has an identifier, and who names a profile, are asked by every look-up for a row or a few. Of granules of 8,192 rows all of one is read in
-- each part; these have 256, in compact parts (docs/decisions/0073). The size of granules is a table's for good: so each table is made anew
-- beside the old one, which is read meanwhile, and the two change places at once. What comes while this runs goes into both, or comes twice:
-- the sort key is all of a row, so it is one. An insert that began before goes into the old one alone, however late it ends: to detach that one
-- waits for it, and what it wrote is put into the new one. Of a run that was cut off, what stands beside the table is put into it first.
--
-- `identifiers` has no projection by node any more: the names of nodes stand in subject_details, by subject.

CREATE TABLE IF NOT EXISTS {database}.identifiers_anew AS {database}.identifiers;
DROP TABLE IF EXISTS {database}.identifiers_anew_mv;
DETACH TABLE {database}.identifiers_anew SYNC;
ATTACH TABLE {database}.identifiers_anew;
INSERT INTO {database}.identifiers (workspace, kind, value, node, claimed) SELECT workspace, kind, value, node, claimed FROM {database}.identifiers_anew;
DROP TABLE IF EXISTS {database}.identifiers_anew;
CREATE TABLE {database}.identifiers_anew
(
    workspace LowCardinality(String),
    kind LowCardinality(String),
    value String CODEC(LZ4),
    node UInt64 CODEC(LZ4),
    claimed Bool
)
ENGINE = ReplacingMergeTree
PRIMARY KEY (workspace, kind, value)
ORDER BY (workspace, kind, value, node, claimed)
SETTINGS index_granularity = 256, min_bytes_for_wide_part = 1099511627776, min_compress_block_size = 4096, max_compress_block_size = 16384, merge_selector_base = 10, non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;
CREATE MATERIALIZED VIEW {database}.identifiers_anew_mv TO {database}.identifiers_anew AS
SELECT DISTINCT workspace, identifier.kind AS kind, identifier.value AS value, identifier.node AS node, has(events_in.claimed, node) AS claimed
FROM {database}.events_in
ARRAY JOIN identifiers AS identifier;
INSERT INTO {database}.identifiers_anew (workspace, kind, value, node, claimed) SELECT workspace, kind, value, node, claimed FROM {database}.identifiers;
EXCHANGE TABLES {database}.identifiers_anew AND {database}.identifiers;
DROP TABLE {database}.identifiers_anew_mv;
DETACH TABLE {database}.identifiers_anew SYNC;
ATTACH TABLE {database}.identifiers_anew;
INSERT INTO {database}.identifiers (workspace, kind, value, node, claimed) SELECT workspace, kind, value, node, claimed FROM {database}.identifiers_anew;
DROP TABLE {database}.identifiers_anew;

CREATE TABLE IF NOT EXISTS {database}.identity_owners_anew AS {database}.identity_owners;
DROP TABLE IF EXISTS {database}.identity_owners_anew_mv;
DETACH TABLE {database}.identity_owners_anew SYNC;
ATTACH TABLE {database}.identity_owners_anew;
INSERT INTO {database}.identity_owners (workspace, owner, node) SELECT workspace, owner, node FROM {database}.identity_owners_anew;
DROP TABLE IF EXISTS {database}.identity_owners_anew;
CREATE TABLE {database}.identity_owners_anew
(
    workspace LowCardinality(String),
    owner UInt64 CODEC(LZ4),
    node UInt64 CODEC(LZ4)
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, owner, node)
SETTINGS index_granularity = 256, min_bytes_for_wide_part = 1099511627776, min_compress_block_size = 4096, max_compress_block_size = 16384, merge_selector_base = 10, non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;
CREATE MATERIALIZED VIEW {database}.identity_owners_anew_mv TO {database}.identity_owners_anew AS
SELECT DISTINCT workspace, named AS owner, node
FROM {database}.pointers_in
ARRAY JOIN arrayDistinct(arrayPushBack(segments.owner, owner)) AS named
WHERE named != node;
INSERT INTO {database}.identity_owners_anew (workspace, owner, node) SELECT workspace, owner, node FROM {database}.identity_owners;
EXCHANGE TABLES {database}.identity_owners_anew AND {database}.identity_owners;
DROP TABLE {database}.identity_owners_anew_mv;
DETACH TABLE {database}.identity_owners_anew SYNC;
ATTACH TABLE {database}.identity_owners_anew;
INSERT INTO {database}.identity_owners (workspace, owner, node) SELECT workspace, owner, node FROM {database}.identity_owners_anew;
DROP TABLE {database}.identity_owners_anew;

-- A part of subject_details that is looked into costs 0.4 ms of CPU, whatever is found there: what is older than a day becomes one part.
ALTER TABLE {database}.subject_details MODIFY SETTING min_age_to_force_merge_seconds = 86400;
