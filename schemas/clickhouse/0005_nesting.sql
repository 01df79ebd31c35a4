-- Properties nested deeper than 100 levels are kept as text (`properties_text`), never given to the JSON column: the type of a list in a
-- list in a list has a name as deep as the lists are, and once a block has more paths than the column has places for, ClickHouse reads
-- that name with its parser of queries, which gives up at 150 lists: one such event stopped the whole block (docs/decisions/0007).
--
-- The levels are counted only where a text has more than 100 brackets at all, and without those that stand within its strings.
ALTER TABLE {database}.events_mv MODIFY QUERY
SELECT
    * EXCEPT (profile_id, identifiers, properties),
    profile_id AS profile_hint,
    JSONExtract(
        if(
            if(
                countSubstrings(events_in.properties, '[') + countSubstrings(events_in.properties, '{') <= 100,
                0,
                arrayMax(arrayCumSum(arrayMap(
                    character -> (character IN ('[', '{')) - (character IN (']', '}')),
                    splitByString('', replaceRegexpAll(events_in.properties, '"(?:[^"\\\\]|\\\\.)*"', ''))
                )))
            ) > 100,
            '{}',
            events_in.properties
        ),
        'JSON(max_dynamic_paths = 256)'
    ) AS properties,
    if(length(events_in.properties) > 2 AND properties = CAST('{}', 'JSON(max_dynamic_paths = 256)'), events_in.properties, '') AS properties_text
FROM {database}.events_in;
