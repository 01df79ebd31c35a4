-- What enrichment stamps on an event (schemas/stamps.py): one column for each part, named as in Avro, so that SQL says `touch.channel` or
-- `commerce.revenue`, and a query reads the subcolumns that it names and no others. Events stored before this have the defaults.
--
-- A stamp is what was known when the event passed. Where later events change it, ask the view over event time that docs/clickhouse.md names.

-- The ingest table has no LowCardinality: Avro is read row by row, and a look into a dictionary for each value took 5 us a row of 23, where
-- the view below makes the columns of a whole block.
ALTER TABLE {database}.events_in
    MODIFY COLUMN workspace String,
    MODIFY COLUMN source String,
    MODIFY COLUMN type String,
    MODIFY COLUMN event String,
    ADD COLUMN IF NOT EXISTS visitor UInt64 AFTER claimed,
    ADD COLUMN IF NOT EXISTS touch Tuple(channel String, source String, medium String, campaign String, term String, content String, click_kind String, click_id String, referrer String),
    ADD COLUMN IF NOT EXISTS visit Tuple(number UInt64, started_at DateTime64(3, 'UTC'), touch Tuple(channel String, source String, medium String, campaign String, term String, content String, click_kind String, click_id String, referrer String), first_touch Tuple(channel String, source String, medium String, campaign String, term String, content String, click_kind String, click_id String, referrer String), first_touch_at DateTime64(3, 'UTC')),
    ADD COLUMN IF NOT EXISTS device Tuple(kind String, brand String, model String, os String, os_version String, browser String, browser_version String, is_bot Bool),
    ADD COLUMN IF NOT EXISTS place Tuple(address String, country String, region String, city String, timezone String),
    ADD COLUMN IF NOT EXISTS meaning Tuple(family String, event String, violations Array(String)),
    ADD COLUMN IF NOT EXISTS commerce Tuple(order_id String, checkout_id String, cart_id String, coupon String, affiliation String, currency String, value Nullable(Decimal(18, 6)), revenue Nullable(Decimal(18, 6)), total Nullable(Decimal(18, 6)), subtotal Nullable(Decimal(18, 6)), shipping Nullable(Decimal(18, 6)), tax Nullable(Decimal(18, 6)), discount Nullable(Decimal(18, 6))),
    ADD COLUMN IF NOT EXISTS items Array(Tuple(product_id String, sku String, name String, brand String, category String, variant String, coupon String, currency String, price Nullable(Decimal(18, 6)), quantity Nullable(Decimal(18, 6)), position UInt64)),
    ADD COLUMN IF NOT EXISTS clock_offset_ms Int64;

ALTER TABLE {database}.events
    ADD COLUMN IF NOT EXISTS visitor UInt64 CODEC(ZSTD(1)) AFTER subject,
    ADD COLUMN IF NOT EXISTS touch Tuple(channel LowCardinality(String), source String, medium String, campaign String, term String, content String, click_kind LowCardinality(String), click_id String, referrer String) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS visit Tuple(number UInt64, started_at DateTime64(3, 'UTC'), touch Tuple(channel LowCardinality(String), source String, medium String, campaign String, term String, content String, click_kind LowCardinality(String), click_id String, referrer String), first_touch Tuple(channel LowCardinality(String), source String, medium String, campaign String, term String, content String, click_kind LowCardinality(String), click_id String, referrer String), first_touch_at DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS device Tuple(kind LowCardinality(String), brand LowCardinality(String), model LowCardinality(String), os LowCardinality(String), os_version LowCardinality(String), browser LowCardinality(String), browser_version LowCardinality(String), is_bot Bool) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS place Tuple(address String, country LowCardinality(String), region LowCardinality(String), city LowCardinality(String), timezone LowCardinality(String)) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS meaning Tuple(family LowCardinality(String), event LowCardinality(String), violations Array(String)) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS commerce Tuple(order_id String, checkout_id String, cart_id String, coupon String, affiliation String, currency LowCardinality(String), value Nullable(Decimal(18, 6)), revenue Nullable(Decimal(18, 6)), total Nullable(Decimal(18, 6)), subtotal Nullable(Decimal(18, 6)), shipping Nullable(Decimal(18, 6)), tax Nullable(Decimal(18, 6)), discount Nullable(Decimal(18, 6))) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS items Array(Tuple(product_id String, sku String, name String, brand String, category String, variant String, coupon String, currency LowCardinality(String), price Nullable(Decimal(18, 6)), quantity Nullable(Decimal(18, 6)), position UInt64)) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS clock_offset_ms Int64 CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS page Tuple(url String, path String, title String, referrer String, search String) CODEC(ZSTD(1));

-- An insert keeps the parts of all its months open until the last is written (sinks/clickhouse.py), and a part that is open keeps a buffer of
-- this size for each codec that its columns have and for each file. With 1 MiB, the default, that is 12 MiB a part, and a block over thirty
-- years of months is refused for want of memory; with this it is 8.
ALTER TABLE {database}.events MODIFY SETTING max_compress_block_size = 131072;

-- As in 0008_identifiers_and_conflicts.sql, with the stamps and with `page`: what every report on pages asks of `context`, read from its text once
-- when the event is stored (1.3 us a row), so that a query reads a short column instead of the longest but one. No text: as JSON writes it.
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
    ) AS properties_text,
    JSONExtract(events_in.context, 'page', 'Tuple(url String, path String, title String, referrer String, search String)') AS page
FROM {database}.events_in;

-- As in 0009_views_of_identity.sql, with the stamps.
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
    source,
    identifiers,
    visitor,
    touch,
    visit,
    device,
    place,
    meaning,
    commerce,
    items,
    clock_offset_ms,
    page
FROM {database}.events;
