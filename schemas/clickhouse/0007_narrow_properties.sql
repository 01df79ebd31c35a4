-- The JSON column has places for 32 paths and two types of each, and sees ten levels. What is beyond is kept and read as before: further
-- paths and types in the shared map, deeper properties as text.
--
-- A list of objects is a JSON column within the column, with a quarter of its parent's places for each type that the list has, and so on
-- inwards: with 256 places on top, sixty events of lists in lists became hundreds of thousands of columns, and their insert never ended;
-- where each had its files, a merge ran out of them (docs/decisions/0007). Merges give the places to the paths that most rows have.
ALTER TABLE {database}.events MODIFY COLUMN properties JSON(max_dynamic_paths = 32, max_dynamic_types = 2);

-- Each such inner column has a shared map too, in so many pieces (32 and 8 by default), and a piece is six files.
ALTER TABLE {database}.events MODIFY SETTING object_shared_data_buckets_for_wide_part = 4, object_shared_data_buckets_for_compact_part = 2;

-- As in 0005_nesting.sql, with the numbers above.
ALTER TABLE {database}.events_mv MODIFY QUERY
SELECT
    * EXCEPT (profile_id, identifiers, properties),
    profile_id AS profile_hint,
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

-- As in 0004_views.sql: a view keeps the types that its columns had when it was made.
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
    source
FROM {database}.events;
