-- What an insert and its merges cost, behind the same rows (docs/decisions/0072, docs/benchmarks.md).

-- Merges of `events` go column by column from here on, where they went row by row up to 131,072 rows: a row has some three hundred streams, and
-- lists of items and decimals are copied one by one. Below this a file for each column and part costs more than it saves.
ALTER TABLE {database}.events MODIFY SETTING vertical_merge_algorithm_min_rows_to_activate = 16384;

-- Of tables with small granules a block of compressed data is a few hundred values, and what ZSTD costs before its first byte is more than the rest.
-- Long texts keep it. For what is written from now on.
ALTER TABLE {database}.subject_events
    MODIFY COLUMN subject CODEC(LZ4),
    MODIFY COLUMN timestamp CODEC(Delta, LZ4),
    MODIFY COLUMN message_id CODEC(LZ4),
    MODIFY COLUMN name CODEC(LZ4),
    MODIFY COLUMN anonymous_id CODEC(LZ4),
    MODIFY COLUMN user_id CODEC(LZ4),
    MODIFY COLUMN group_id CODEC(LZ4),
    MODIFY COLUMN session_id CODEC(LZ4),
    MODIFY COLUMN touch CODEC(LZ4),
    MODIFY COLUMN device CODEC(LZ4),
    MODIFY COLUMN raw_partition CODEC(LZ4),
    MODIFY COLUMN raw_offset CODEC(Delta, LZ4),
    MODIFY COLUMN raw_index CODEC(LZ4);
ALTER TABLE {database}.subject_details
    MODIFY COLUMN subject CODEC(LZ4),
    MODIFY COLUMN name CODEC(LZ4),
    MODIFY COLUMN about CODEC(LZ4),
    MODIFY COLUMN latest CODEC(LZ4),
    MODIFY COLUMN first_seen CODEC(Delta, LZ4),
    MODIFY COLUMN events CODEC(LZ4);

-- As in 0029_subject_details.sql, grouped by the versions too: the latest of a device is then its time and what the rows have in common, where the
-- greatest of pairs with lists took half of this view. Rows of one device with two versions become one when parts are merged.
ALTER TABLE {database}.subject_details_devices_mv MODIFY QUERY
SELECT
    workspace,
    subject,
    'device' AS part,
    device.kind AS kind,
    anonymous_id AS name,
    [device.brand, device.model, device.os, device.browser, toString(toUInt8(device.is_bot))] AS about,
    max(multiIf(
        has(identifiers.node, subject), arrayFirst(identifier -> identifier.node = subject, identifiers).kind,
        user_id != '', 'u',
        anonymous_id != '', 'a',
        'm'
    )) AS subject_type,
    (max(timestamp), [device.os_version, device.browser_version]) AS latest,
    min(timestamp) AS first_seen,
    count() AS events
FROM {database}.events_in
GROUP BY workspace, subject, name, device.kind, device.brand, device.model, device.os, device.os_version, device.browser, device.browser_version, device.is_bot;
