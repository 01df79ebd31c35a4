-- Lists of people that somebody uploaded (`stitchline list`): the nodes that the identifiers are, never the identifiers. Each list is a partition,
-- so that one that is loaded anew takes the place of the one before in one step; `version`, the same in all its rows, is when it was loaded.
CREATE TABLE IF NOT EXISTS {database}.lists
(
    workspace LowCardinality(String),
    list LowCardinality(String),
    node UInt64 CODEC(ZSTD(1)),
    version UInt64 CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY (workspace, list)
ORDER BY (workspace, list, node)
SETTINGS merge_selector_base = 10;
