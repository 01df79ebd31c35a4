-- What is told of a subject in a look-up of one person, in one place: its names, its traits, its devices, and who named it as their owner. A
-- question costs the engine's analysis whatever it finds, so one question of one table takes the place of four (docs/decisions/0064).

-- One row for each detail when parts are merged. `part` says what it is:
--   device      kind, name (the anonymous id), about [brand, model, os, browser, is_bot as 0 or 1], latest [os_version, browser_version], events
--   trait       name, latest [message_id, value, source]: by event time, ties by the former two, as everywhere
--   name        kind and name of an identifier
--   led         `node` names this subject as its owner, or did so
--   contested   it had several owners one after the other, or has
-- Of a device that several people used, events and traits alone say whose each was. Small granules, since one person has few rows.
CREATE TABLE IF NOT EXISTS {database}.subject_details
(
    workspace LowCardinality(String),
    subject UInt64 CODEC(ZSTD(1)),
    part Enum8('device' = 1, 'trait' = 2, 'name' = 3, 'led' = 4, 'contested' = 5),
    kind LowCardinality(String),
    name String CODEC(ZSTD(1)),
    about Array(String) CODEC(ZSTD(1)),
    node UInt64 CODEC(ZSTD(1)),
    subject_type SimpleAggregateFunction(max, LowCardinality(String)),
    latest SimpleAggregateFunction(max, Tuple(seen DateTime64(3, 'UTC'), said Array(String))) CODEC(ZSTD(1)),
    first_seen SimpleAggregateFunction(min, DateTime64(3, 'UTC')) CODEC(Delta, ZSTD(1)),
    events SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PRIMARY KEY (workspace, subject)
ORDER BY (workspace, subject, part, kind, name, about, node)
SETTINGS index_granularity = 256, merge_selector_base = 10, non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

-- As subject_devices_mv of 0024_devices.sql, whose place it takes. That one goes in the next file: what comes meanwhile is in both.
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.subject_details_devices_mv TO {database}.subject_details AS
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
    max((timestamp, [device.os_version, device.browser_version])) AS latest,
    min(timestamp) AS first_seen,
    count() AS events
FROM {database}.events_in
GROUP BY workspace, subject, kind, name, about;

-- The others from what is inserted too, not from what their own tables are given: behind a view behind a view, a row that is refused would be
-- refused when the events of its block are stored already.
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.subject_details_traits_mv TO {database}.subject_details AS
SELECT
    workspace,
    subject,
    'trait' AS part,
    trait.1 AS name,
    max((timestamp, [message_id, trait.2, toString(source)])) AS latest,
    min(timestamp) AS first_seen
FROM {database}.events_in
ARRAY JOIN JSONExtractKeysAndValuesRaw(traits) AS trait
WHERE type = 'identify'
GROUP BY workspace, subject, name;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.subject_details_names_mv TO {database}.subject_details AS
SELECT DISTINCT workspace, identifier.node AS subject, 'name' AS part, identifier.kind AS kind, identifier.value AS name
FROM {database}.events_in
ARRAY JOIN identifiers AS identifier
WHERE identifier.value != '';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.subject_details_led_mv TO {database}.subject_details AS
SELECT DISTINCT workspace, named AS subject, 'led' AS part, node
FROM {database}.pointers_in
ARRAY JOIN arrayDistinct(arrayPushBack(segments.owner, owner)) AS named
WHERE named != node;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.subject_details_contested_mv TO {database}.subject_details AS
SELECT DISTINCT workspace, pointers_in.node AS subject, 'contested' AS part
FROM {database}.pointers_in
WHERE notEmpty(segments);

-- What is there already, made beside the table and moved there at once, so that a run that is cut off can be made again. What comes
-- while this runs comes twice: as one row, but that events of devices are counted twice. No first and no last changes by it.
DROP TABLE IF EXISTS {database}.subject_details_before;
CREATE TABLE {database}.subject_details_before AS {database}.subject_details;
INSERT INTO {database}.subject_details_before (workspace, subject, part, kind, name, about, subject_type, latest, first_seen, events)
SELECT
    workspace,
    subject,
    'device',
    toString(subject_devices.kind) AS kind,
    anonymous_id,
    [toString(brand), toString(model), toString(os), toString(browser), toString(toUInt8(is_bot))] AS about,
    max(subject_devices.subject_type),
    max((subject_devices.latest.1, [subject_devices.latest.2, subject_devices.latest.3])),
    min(subject_devices.first_seen),
    sum(subject_devices.events)
FROM {database}.subject_devices
GROUP BY workspace, subject, kind, anonymous_id, about;
INSERT INTO {database}.subject_details_before (workspace, subject, part, name, latest, first_seen)
SELECT
    workspace,
    subject,
    'trait',
    toString(traits.name) AS trait,
    max((timestamp, [message_id, traits.value, toString(source)])),
    min(timestamp)
FROM {database}.traits
GROUP BY workspace, subject, trait;
INSERT INTO {database}.subject_details_before (workspace, subject, part, kind, name)
SELECT DISTINCT workspace, node, 'name', kind, value
FROM {database}.identifiers
WHERE value != '';
INSERT INTO {database}.subject_details_before (workspace, subject, part, node)
SELECT DISTINCT workspace, owner, 'led', node
FROM {database}.identity_owners;
INSERT INTO {database}.subject_details_before (workspace, subject, part)
SELECT DISTINCT workspace, node, 'contested'
FROM {database}.identity_pointers
WHERE notEmpty(segments);
ALTER TABLE {database}.subject_details_before MOVE PARTITION tuple() TO TABLE {database}.subject_details;
DROP TABLE {database}.subject_details_before;
