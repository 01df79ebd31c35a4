-- Traits as columns that SQL compares, which of them were refused, and groups: what `group` calls say of a group, and who its members are.

-- One row for each top-level trait of each group call, the value as JSON text, and one with the name '' for the call itself: who was made
-- a member. What a group has is decided when it is read, as with `traits`.
CREATE TABLE IF NOT EXISTS {database}.group_traits
(
    workspace LowCardinality(String),
    group_id String CODEC(ZSTD(1)),
    name LowCardinality(String),
    value String CODEC(ZSTD(1)),
    timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    message_id String CODEC(ZSTD(1)),
    subject UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PRIMARY KEY (workspace, group_id, name, timestamp, message_id)
ORDER BY (workspace, group_id, name, timestamp, message_id, subject, value)
SETTINGS merge_selector_base = 10, non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.group_traits_mv TO {database}.group_traits AS
SELECT workspace, group_id, trait.1 AS name, trait.2 AS value, timestamp, message_id, subject
FROM
(
    SELECT workspace, group_id, traits, timestamp, message_id, subject
    FROM {database}.events_in
    WHERE type = 'group' AND group_id != ''
)
ARRAY JOIN arrayPushFront(arrayFilter(each -> each.1 != '', JSONExtractKeysAndValuesRaw(traits)), ('', '')) AS trait;

-- Group calls that were stored before. What arrives meanwhile comes twice, and is one row: the sort key is all of it.
INSERT INTO {database}.group_traits (workspace, group_id, name, value, timestamp, message_id, subject)
SELECT workspace, group_id, trait.1, trait.2, timestamp, message_id, subject
FROM {database}.events
ARRAY JOIN arrayPushFront(arrayFilter(each -> each.1 != '', JSONExtractKeysAndValuesRaw(traits)), ('', '')) AS trait
WHERE type = 'group' AND group_id != '';

-- One row for each trait of a profile: the last value by event time, ties by message id, then value. `place` is the trait's number in the
-- profile, by when its name was first set; those beyond 1,000 are refused. A function of the set of events: arrival changes nothing.
CREATE OR REPLACE VIEW {database}.traits_resolved AS
SELECT
    workspace,
    profile,
    name,
    value,
    first_set,
    last_set,
    row_number() OVER (PARTITION BY workspace, profile ORDER BY first_set, name) AS place
FROM
(
    SELECT
        workspace,
        dictGetOrDefault('{database}.idr_root', 'root', owner, owner) AS profile,
        name,
        argMax(traits.value, (timestamp, message_id, traits.value)) AS value,
        min(timestamp) AS first_set,
        max(timestamp) AS last_set
    FROM
    (
        SELECT
            *,
            dictGetOrDefault('{database}.idr_segment', 'owner', subject, toUnixTimestamp64Milli(timestamp), subject) AS owner
        FROM {database}.traits
    ) AS traits
    GROUP BY workspace, profile, name
);

-- What a profile has, as columns to compare with. `kind` is null (cleared), boolean, number, date, text, list or object; `text` is the text itself,
-- of other kinds the JSON; `number`, `boolean` and `date` are NULL for other kinds. A date is a text in the form of ISO 8601.
CREATE OR REPLACE VIEW {database}.profile_traits AS
WITH
    left(value, 1) AS first,
    if(first = '"', JSONExtractString(value), value) AS plain,
    if(
        first = '"' AND match(plain, '^\\d\\d\\d\\d-\\d\\d-\\d\\d([T ]([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d([.]\\d+)?)?(Z|[+-]\\d\\d:?\\d\\d)?)?$'),
        parseDateTime64BestEffortOrNull(plain, 3, 'UTC'),
        NULL
    ) AS moment
SELECT
    workspace,
    lower(leftPad(hex(profile), 16, '0')) AS profile_id,
    profile,
    name,
    multiIf(value = 'null', 'null', first IN ('t', 'f'), 'boolean', first = '[', 'list', first = '{', 'object', first != '"', 'number', isNotNull(moment), 'date', 'text') AS kind,
    plain AS text,
    if(kind = 'number', toFloat64OrNull(value), NULL) AS number,
    if(kind = 'boolean', value = 'true', NULL)::Nullable(Bool) AS boolean,
    moment AS date,
    if(kind = 'list', JSONExtract(value, 'Array(String)'), []) AS list,
    value,
    first_set,
    last_set
FROM {database}.traits_resolved
WHERE place <= 1000;

-- Traits that a profile does not have, since it had 1,000 names before this one; `value` is what it would be.
CREATE OR REPLACE VIEW {database}.trait_refusals AS
SELECT
    workspace,
    lower(leftPad(hex(profile), 16, '0')) AS profile_id,
    profile,
    name,
    'too_many_traits' AS reason,
    first_set,
    value
FROM {database}.traits_resolved
WHERE place > 1000;

-- Who belongs to a group: whoever a group call named it for, from the first such call to the last.
CREATE OR REPLACE VIEW {database}.group_members AS
SELECT
    workspace,
    group_id,
    lower(leftPad(hex(profile), 16, '0')) AS profile_id,
    dictGetOrDefault('{database}.idr_root', 'root', owner, owner) AS profile,
    min(timestamp) AS first_seen,
    max(timestamp) AS last_seen
FROM
(
    SELECT
        workspace,
        group_id,
        timestamp,
        dictGetOrDefault('{database}.idr_segment', 'owner', subject, toUnixTimestamp64Milli(timestamp), subject) AS owner
    FROM {database}.group_traits
    WHERE name = ''
)
GROUP BY workspace, group_id, profile;

-- One row per group. Its traits as those of a profile: the last value by event time of the first 1,000 names.
CREATE OR REPLACE VIEW {database}.groups AS
SELECT
    workspace,
    group_id,
    concat('{', arrayStringConcat(arraySort(groupArrayIf(concat(toJSONString(name), ':', last_value), name != '')), ','), '}') AS traits,
    max(profiles) AS members,
    min(since) AS first_seen,
    max(until) AS last_seen
FROM
(
    SELECT
        workspace,
        group_id,
        toString(name) AS name,
        argMax(value, (timestamp, message_id, value)) AS last_value,
        0 AS profiles,
        min(timestamp) AS since,
        max(timestamp) AS until
    FROM {database}.group_traits
    WHERE name != ''
    GROUP BY workspace, group_id, name
    ORDER BY workspace, group_id, since, name
    LIMIT 1000 BY workspace, group_id
    UNION ALL
    SELECT workspace, group_id, '', '', count(), min(first_seen), max(last_seen)
    FROM {database}.group_members
    GROUP BY workspace, group_id
)
GROUP BY workspace, group_id;
