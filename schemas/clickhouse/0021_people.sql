-- The way back from a person to what was recorded under their identifiers, for questions about one person.

-- Which nodes have ever named this one as their owner, contested devices for a while of theirs. What holds now is for the dictionaries to
-- say: this is where to look. Whoever is found asks again for those who named them, as chains of aliases go.
CREATE TABLE IF NOT EXISTS {database}.identity_owners
(
    workspace LowCardinality(String),
    owner UInt64 CODEC(ZSTD(1)),
    node UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, owner, node)
SETTINGS merge_selector_base = 10, non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.identity_owners_mv TO {database}.identity_owners AS
SELECT DISTINCT workspace, named AS owner, node
FROM {database}.pointers_in
ARRAY JOIN arrayDistinct(arrayPushBack(segments.owner, owner)) AS named
WHERE named != node;

-- Pointers of before. What arrives meanwhile comes twice, and is one row: the sort key is all of it.
INSERT INTO {database}.identity_owners (workspace, owner, node)
SELECT DISTINCT workspace, named, node
FROM {database}.identity_pointers
ARRAY JOIN arrayDistinct(arrayPushBack(segments.owner, owner)) AS named
WHERE named != node;

-- What a node is called, where the table itself is sorted for what a name means.
ALTER TABLE {database}.identifiers MODIFY SETTING deduplicate_merge_projection_mode = 'rebuild';
ALTER TABLE {database}.identifiers ADD PROJECTION IF NOT EXISTS by_node (SELECT _part_offset ORDER BY node);
ALTER TABLE {database}.identifiers MATERIALIZE PROJECTION by_node;

-- As in 0017_subjects.sql, with the source: what set a trait is asked without a look at events. '' for those of before.
ALTER TABLE {database}.traits ADD COLUMN IF NOT EXISTS source LowCardinality(String);
ALTER TABLE {database}.traits_mv MODIFY QUERY
SELECT workspace, subject, trait.1 AS name, trait.2 AS value, timestamp, message_id, received_at, source
FROM {database}.events_in
ARRAY JOIN JSONExtractKeysAndValuesRaw(traits) AS trait
WHERE type = 'identify';
