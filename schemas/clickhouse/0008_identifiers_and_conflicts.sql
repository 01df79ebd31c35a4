-- Events keep whom they named and how, pointers keep the links that lost: what explains a profile, and undoes it.
--
-- The ingest tables take both versions of each schema: what an older record does not have is filled in. That works for whole columns
-- alone, not for parts of a tuple, hence `claimed` is a list of nodes beside the identifiers (docs/decisions/0021).

ALTER TABLE {database}.events_in ADD COLUMN IF NOT EXISTS claimed Array(UInt64) AFTER identifiers;

-- The event's identifiers stay with it, those known by their hash alone too (value ''): from them and the columns beside them the links
-- that it states can be told again. Events stored before this have none.
ALTER TABLE {database}.events
    ADD COLUMN IF NOT EXISTS identifiers Array(Tuple(node UInt64, kind LowCardinality(String), value String, claimed Bool)) CODEC(ZSTD(1));

-- As in 0007_narrow_properties.sql, with the identifiers.
ALTER TABLE {database}.events_mv MODIFY QUERY
SELECT
    * EXCEPT (profile_id, properties, identifiers, claimed),
    profile_id AS profile_hint,
    arrayMap(
        identifier -> (identifier.node, identifier.kind, identifier.value, has(claimed, identifier.node)),
        events_in.identifiers
    ) AS identifiers,
    JSONExtract(
        if(
            if(
                countSubstrings(events_in.properties, '[') + countSubstrings(events_in.properties, '{') <= 10,
                0,
                arrayMax(arrayCumSum(arrayMap(
                    character -> (character IN ('[', '{')) - (character IN (']', '}')),
                    splitByString('', replaceRegexpAll(events_in.properties, '"(?:[^"\\\\]|\\\\.)*"', ''))
                )))
            ) > 10,
            '{}',
            events_in.properties
        ),
        'JSON(max_dynamic_paths = 32, max_dynamic_types = 2)'
    ) AS properties,
    if(
        length(events_in.properties) > 2 AND properties = CAST('{}', 'JSON(max_dynamic_paths = 32, max_dynamic_types = 2)'),
        events_in.properties,
        ''
    ) AS properties_text
FROM {database}.events_in;

-- `claimed` says that the identifier stood in a page's address; one that was stated as well has two rows.
ALTER TABLE {database}.identifiers
    ADD COLUMN IF NOT EXISTS claimed Bool,
    MODIFY ORDER BY (workspace, kind, value, node, claimed);

ALTER TABLE {database}.identifiers_mv MODIFY QUERY
SELECT DISTINCT workspace, identifier.kind AS kind, identifier.value AS value, identifier.node AS node, has(events_in.claimed, node) AS claimed
FROM {database}.events_in
ARRAY JOIN identifiers AS identifier;

ALTER TABLE {database}.pointers_in
    ADD COLUMN IF NOT EXISTS conflicts Array(Tuple(target UInt64, strength UInt8, since DateTime64(3, 'UTC')));

ALTER TABLE {database}.identity_pointers
    ADD COLUMN IF NOT EXISTS conflicts Array(Tuple(target UInt64, strength UInt8, since DateTime64(3, 'UTC'))) CODEC(ZSTD(1));

ALTER TABLE {database}.identity_pointers_mv MODIFY QUERY
SELECT workspace, node, owner, segments, version, is_deleted, updated_at, conflicts
FROM {database}.pointers_in;
