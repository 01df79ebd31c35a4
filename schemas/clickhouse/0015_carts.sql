-- Carts as they are now, and what events state of products (docs/carts.md). Both are fed by agent `commerce`.

CREATE TABLE IF NOT EXISTS {database}.carts_in
(
    workspace LowCardinality(String),
    cart UInt64,
    cart_id String,
    visitor UInt64,
    subject UInt64,
    source LowCardinality(String),
    timestamp DateTime64(3, 'UTC'),
    active_at DateTime64(3, 'UTC'),
    ordered_at DateTime64(3, 'UTC'),
    candidate_at DateTime64(3, 'UTC'),
    currency LowCardinality(String),
    value Nullable(Decimal(18, 6)),
    items Array(Tuple(product String, name String, variant String, quantity Nullable(Decimal(18, 6)), price Nullable(Decimal(18, 6)))),
    is_deleted UInt8,
    version UInt64
)
ENGINE = Null;

-- One row for each cart; the newest version replaces all earlier ones. A cart of somebody who was forgotten is a hash and a version.
CREATE TABLE IF NOT EXISTS {database}.cart_states
(
    workspace LowCardinality(String),
    cart UInt64,
    cart_id String CODEC(ZSTD(1)),
    visitor UInt64 CODEC(ZSTD(1)),
    subject UInt64 CODEC(ZSTD(1)),
    source LowCardinality(String),
    timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    active_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    ordered_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    candidate_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    currency LowCardinality(String),
    value Nullable(Decimal(18, 6)),
    items Array(Tuple(product String, name String, variant String, quantity Nullable(Decimal(18, 6)), price Nullable(Decimal(18, 6)))) CODEC(ZSTD(1)),
    is_deleted UInt8,
    version UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY cart
SETTINGS non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.carts_mv TO {database}.cart_states AS
SELECT * FROM {database}.carts_in;

-- What is a person's is told by identity as of now, and so is whether they ordered: an order by a server under another id counts.
-- `status` is `ordered` when an order came at or after the last activity, else `abandoned` when an event said so, else `open`.
-- Both times are there when an order came after that event.
CREATE OR REPLACE VIEW {database}.carts AS
SELECT
    c.workspace AS workspace,
    c.cart_id AS cart_id,
    lower(leftPad(hex(c.cart), 16, '0')) AS cart,
    c.profile AS profile,
    lower(leftPad(hex(c.profile), 16, '0')) AS profile_id,
    c.visitor AS visitor,
    c.source AS source,
    c.active_at AS active_at,
    c.currency AS currency,
    c.value AS value,
    c.items AS items,
    greatest(
        if(c.ordered_at >= c.active_at, c.ordered_at, fromUnixTimestamp64Milli(0, 'UTC')),
        if(o.timestamp >= c.active_at, o.timestamp, fromUnixTimestamp64Milli(0, 'UTC'))
    ) AS ordered_at,
    a.timestamp AS abandoned_at,
    multiIf(toUnixTimestamp64Milli(ordered_at) > 0, 'ordered', toUnixTimestamp64Milli(abandoned_at) > 0, 'abandoned', 'open') AS status
FROM
(
    SELECT
        *,
        dictGetOrDefault('{database}.idr_segment', 'owner', subject, toUnixTimestamp64Milli(active_at), subject) AS owner,
        dictGetOrDefault('{database}.idr_root', 'root', owner, owner) AS profile,
        concat('cart-abandoned-', lower(leftPad(hex(cart), 16, '0')), '-', toString(toUnixTimestamp64Milli(active_at))) AS fired_id
    FROM {database}.cart_states FINAL
) AS c
ASOF LEFT JOIN
(
    SELECT workspace, profile, timestamp FROM {database}.events_resolved WHERE meaning.event = 'Order Completed'
) AS o ON o.workspace = c.workspace AND o.profile = c.profile AND o.timestamp >= c.active_at
LEFT ANY JOIN
(
    SELECT workspace, message_id, timestamp FROM {database}.events WHERE event = 'Cart Abandoned'
) AS a ON a.workspace = c.workspace AND a.message_id = c.fired_id;

CREATE TABLE IF NOT EXISTS {database}.catalogue_in
(
    workspace LowCardinality(String),
    product String,
    statement UInt64,
    hour UInt64,
    valid_from DateTime64(3, 'UTC'),
    stated Tuple(name String, brand String, category String, variant String, currency LowCardinality(String), url String, image_url String, price Nullable(Decimal(18, 6)))
)
ENGINE = Null;

-- One row for each statement about a product and the hour it was made in, with its earliest time: whatever order events came in.
CREATE TABLE IF NOT EXISTS {database}.catalogue_statements
(
    workspace LowCardinality(String),
    product String CODEC(ZSTD(1)),
    hour UInt64 CODEC(Delta, ZSTD(1)),
    statement UInt64 CODEC(ZSTD(1)),
    valid_from SimpleAggregateFunction(min, DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    name SimpleAggregateFunction(any, String) CODEC(ZSTD(1)),
    brand SimpleAggregateFunction(any, String) CODEC(ZSTD(1)),
    category SimpleAggregateFunction(any, String) CODEC(ZSTD(1)),
    variant SimpleAggregateFunction(any, String) CODEC(ZSTD(1)),
    currency SimpleAggregateFunction(any, LowCardinality(String)),
    url SimpleAggregateFunction(any, String) CODEC(ZSTD(1)),
    image_url SimpleAggregateFunction(any, String) CODEC(ZSTD(1)),
    price SimpleAggregateFunction(any, Nullable(Decimal(18, 6)))
)
ENGINE = AggregatingMergeTree
ORDER BY (workspace, product, hour, statement)
SETTINGS non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.catalogue_mv TO {database}.catalogue_statements AS
SELECT
    workspace, product, hour, statement, valid_from,
    stated.name AS name, stated.brand AS brand, stated.category AS category, stated.variant AS variant,
    stated.currency AS currency, stated.url AS url, stated.image_url AS image_url, stated.price AS price
FROM {database}.catalogue_in;

-- A product's fields from each moment on at which something was stated of it: of each field the last value that was stated by then. A moment is
-- one row, after all that was stated at it.
CREATE OR REPLACE VIEW {database}.catalogue AS
SELECT
    workspace,
    product,
    valid_from,
    ifNull(last_value(nullIf(name, '')) OVER earlier, '') AS name,
    ifNull(last_value(nullIf(brand, '')) OVER earlier, '') AS brand,
    ifNull(last_value(nullIf(category, '')) OVER earlier, '') AS category,
    ifNull(last_value(nullIf(variant, '')) OVER earlier, '') AS variant,
    ifNull(last_value(nullIf(url, '')) OVER earlier, '') AS url,
    ifNull(last_value(nullIf(image_url, '')) OVER earlier, '') AS image_url,
    last_value(price) OVER earlier AS price,
    ifNull(last_value(nullIf(currency, '')) OVER earlier, '') AS currency
FROM
(
    SELECT
        workspace, product, hour, statement,
        min(catalogue_statements.valid_from) AS valid_from,
        any(catalogue_statements.name) AS name, any(catalogue_statements.brand) AS brand,
        any(catalogue_statements.category) AS category, any(catalogue_statements.variant) AS variant,
        any(catalogue_statements.url) AS url, any(catalogue_statements.image_url) AS image_url,
        any(catalogue_statements.price) AS price, any(toString(catalogue_statements.currency)) AS currency
    FROM {database}.catalogue_statements
    GROUP BY workspace, product, hour, statement
)
WINDOW earlier AS (PARTITION BY workspace, product ORDER BY valid_from, statement ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
ORDER BY statement DESC
LIMIT 1 BY workspace, product, valid_from;

-- The items of events, and of each what its event leaves out, from the catalogue as of the event's time.
CREATE OR REPLACE VIEW {database}.event_items AS
SELECT
    e.workspace AS workspace,
    e.message_id AS message_id,
    e.event AS event,
    e.timestamp AS timestamp,
    e.subject AS subject,
    e.product AS product,
    if(e.item.name != '', e.item.name, c.name) AS name,
    if(e.item.brand != '', e.item.brand, c.brand) AS brand,
    if(e.item.category != '', e.item.category, c.category) AS category,
    if(e.item.variant != '', e.item.variant, c.variant) AS variant,
    c.url AS url,
    c.image_url AS image_url,
    e.item.quantity AS quantity,
    if(e.item.price IS NULL, c.price, e.item.price) AS price,
    if(e.item.price IS NULL, c.currency, if(e.item.currency != '', e.item.currency, e.commerce.currency)) AS currency,
    e.item.coupon AS coupon,
    e.item.position AS position
FROM
(
    SELECT
        workspace, message_id, if(meaning.event = '', event, meaning.event) AS event, timestamp, subject, commerce, item,
        if(item.product_id != '', item.product_id, item.sku) AS product
    FROM {database}.events
    ARRAY JOIN items AS item
) AS e
ASOF LEFT JOIN {database}.catalogue AS c
    ON c.workspace = e.workspace AND c.product = e.product AND c.valid_from <= e.timestamp;
