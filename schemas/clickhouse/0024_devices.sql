-- By which devices a subject's events came, for a look at one person: from the events themselves it takes a granule for each, as those of one
-- person lie far apart. Small granules, since a person has few rows here.

-- One row, when its parts are merged, for each subject and device. Of a device that several people used the events alone say which were
-- whose. `events` counts what was stored: a copy that came so late that it was stored again is one event more here.
CREATE TABLE IF NOT EXISTS {database}.subject_devices
(
    workspace LowCardinality(String),
    subject UInt64 CODEC(ZSTD(1)),
    subject_type SimpleAggregateFunction(max, LowCardinality(String)),
    anonymous_id String CODEC(ZSTD(1)),
    kind LowCardinality(String),
    brand LowCardinality(String),
    model LowCardinality(String),
    os LowCardinality(String),
    browser LowCardinality(String),
    is_bot Bool,
    latest SimpleAggregateFunction(max, Tuple(seen DateTime64(3, 'UTC'), os_version String, browser_version String)) CODEC(ZSTD(1)),
    first_seen SimpleAggregateFunction(min, DateTime64(3, 'UTC')) CODEC(Delta, ZSTD(1)),
    events SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PRIMARY KEY (workspace, subject)
ORDER BY (workspace, subject, anonymous_id, kind, os, browser, brand, model, is_bot)
SETTINGS index_granularity = 512, merge_selector_base = 10, non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.subject_devices_mv TO {database}.subject_devices AS
SELECT
    workspace,
    subject,
    max(multiIf(
        has(identifiers.node, subject), arrayFirst(identifier -> identifier.node = subject, identifiers).kind,
        user_id != '', 'u',
        anonymous_id != '', 'a',
        'm'
    )) AS subject_type,
    anonymous_id,
    device.kind AS kind,
    device.brand AS brand,
    device.model AS model,
    device.os AS os,
    device.browser AS browser,
    device.is_bot AS is_bot,
    max((timestamp, device.os_version, device.browser_version)) AS latest,
    min(timestamp) AS first_seen,
    count() AS events
FROM {database}.events_in
GROUP BY workspace, subject, anonymous_id, kind, brand, model, os, browser, is_bot;

-- Those of before, made beside the table and moved there at once, so that a run that is cut off can be made again. What is stored while
-- this runs is counted twice; no first and no last changes by it.
DROP TABLE IF EXISTS {database}.subject_devices_before;
CREATE TABLE {database}.subject_devices_before AS {database}.subject_devices;
INSERT INTO {database}.subject_devices_before (workspace, subject, subject_type, anonymous_id, kind, brand, model, os, browser, is_bot, latest, first_seen, events)
SELECT
    workspace,
    subject,
    max(toString(events.subject_type)),
    anonymous_id,
    toString(device.kind) AS kind,
    toString(device.brand) AS brand,
    toString(device.model) AS model,
    toString(device.os) AS os,
    toString(device.browser) AS browser,
    device.is_bot AS is_bot,
    max((timestamp, toString(device.os_version), toString(device.browser_version))),
    min(timestamp),
    count()
FROM {database}.events
GROUP BY workspace, subject, anonymous_id, kind, brand, model, os, browser, is_bot;
ALTER TABLE {database}.subject_devices_before MOVE PARTITION tuple() TO TABLE {database}.subject_devices;
DROP TABLE {database}.subject_devices_before;
