-- What several views take of an event is worked out once, when its block comes, and the sink may have read the properties already
-- (docs/decisions/0076): to read their text was a third of what an insert cost the server.
--
-- The sink sends `properties_parsed` where it has read all of a block, `properties_read` and `properties_are_read` where it has read most, and
-- nothing of them otherwise. What is not sent is the default: the server's own reading, as 0007_narrow_properties.sql has it. A default
-- names no column of a column (`identifiers.node`): an insert that lacks the column finds none.
ALTER TABLE {database}.events_in
    ADD COLUMN IF NOT EXISTS properties_read JSON(max_dynamic_paths = 32, max_dynamic_types = 2),
    ADD COLUMN IF NOT EXISTS properties_are_read Bool,
    ADD COLUMN IF NOT EXISTS properties_parsed JSON(max_dynamic_paths = 32, max_dynamic_types = 2) DEFAULT if(
        properties_are_read,
        properties_read,
        JSONExtract(
            if(
                if(
                    countSubstrings(properties, '[') + countSubstrings(properties, '{') <= 10,
                    0,
                    arrayMax(arrayCumSum(arrayMap(
                        character -> (character IN ('[', '{')) - (character IN (']', '}')),
                        splitByString('', replaceRegexpAll(properties, '"(?:[^"\\\\]|\\\\.)*"', ''))
                    )))
                ) > 10,
                '{}',
                properties
            ),
            'JSON(max_dynamic_paths = 32, max_dynamic_types = 2)'
        )
    ),
    ADD COLUMN IF NOT EXISTS page Tuple(url String, path String, title String, referrer String, search String)
        DEFAULT JSONExtract(context, 'page', 'Tuple(url String, path String, title String, referrer String, search String)'),
    ADD COLUMN IF NOT EXISTS subject_type String DEFAULT multiIf(
        arrayExists(identifier -> identifier.node = subject, identifiers), arrayFirst(identifier -> identifier.node = subject, identifiers).kind,
        user_id != '', 'u',
        anonymous_id != '', 'a',
        'm'
    );

-- As in 0020_reports.sql, of these columns.
ALTER TABLE {database}.events_mv MODIFY QUERY
SELECT
    * EXCEPT (profile_id, properties, identifiers, claimed, properties_read, properties_are_read, properties_parsed),
    profile_id AS profile_hint,
    arrayMap(
        identifier -> (identifier.node, identifier.kind, identifier.value, has(claimed, identifier.node)),
        events_in.identifiers
    ) AS identifiers,
    properties_parsed AS properties,
    if(
        length(events_in.properties) > 2 AND properties_parsed = CAST('{}', 'JSON(max_dynamic_paths = 32, max_dynamic_types = 2)'),
        events_in.properties,
        ''
    ) AS properties_text,
    now64(3) AS stored_at
FROM {database}.events_in;

-- As in 0031_subject_events.sql, of these columns.
ALTER TABLE {database}.subject_events_mv MODIFY QUERY
SELECT
    workspace,
    subject,
    subject_type,
    timestamp,
    message_id,
    type,
    event,
    name,
    source,
    anonymous_id,
    user_id,
    group_id,
    session_id,
    visit.touch.channel AS channel,
    CAST((touch.channel, touch.source, touch.medium, touch.campaign), 'Tuple(channel String, source String, medium String, campaign String)') AS touch,
    device,
    page.url AS url,
    properties,
    traits,
    raw_partition,
    raw_offset,
    raw_index
FROM {database}.events_in;

-- As in 0033_cheaper_merges.sql, of these columns.
ALTER TABLE {database}.subject_details_devices_mv MODIFY QUERY
SELECT
    workspace,
    subject,
    'device' AS part,
    device.kind AS kind,
    anonymous_id AS name,
    [device.brand, device.model, device.os, device.browser, toString(toUInt8(device.is_bot))] AS about,
    max(events_in.subject_type) AS subject_type,
    (max(timestamp), [device.os_version, device.browser_version]) AS latest,
    min(timestamp) AS first_seen,
    count() AS events
FROM {database}.events_in
GROUP BY workspace, subject, name, device.kind, device.brand, device.model, device.os, device.os_version, device.browser, device.browser_version, device.is_bot;

-- As in 0017_subjects.sql, of these columns.
ALTER TABLE {database}.subjects_mv MODIFY QUERY
SELECT
    workspace,
    subject,
    max(events_in.subject_type) AS subject_type,
    min(if(device.is_bot, toDateTime64('2299-12-31 00:00:00', 3, 'UTC'), timestamp)) AS human_first_seen,
    max(if(device.is_bot, toDateTime64('1970-01-01 00:00:00', 3, 'UTC'), timestamp)) AS human_last_seen,
    min(if(device.is_bot, timestamp, toDateTime64('2299-12-31 00:00:00', 3, 'UTC'))) AS bot_first_seen,
    max(if(device.is_bot, timestamp, toDateTime64('1970-01-01 00:00:00', 3, 'UTC'))) AS bot_last_seen
FROM {database}.events_in
GROUP BY workspace, subject;
