-- Orders, their items, products and customers: views over events, the same for any order of arrival (docs/commerce.md says what each counts).

-- A granule holds few names of events, so most are skipped.
ALTER TABLE {database}.events ADD INDEX IF NOT EXISTS by_meaning meaning.event TYPE set(16) GRANULARITY 1;

-- What one unit of a currency is worth in the base, from that day until the next one that is known. Loaded by `stitchline rates`; a row
-- that comes again replaces the one before it.
CREATE TABLE IF NOT EXISTS {database}.exchange_rates
(
    date Date,
    base LowCardinality(String),
    currency LowCardinality(String),
    rate Decimal(38, 12),
    loaded_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(loaded_at)
ORDER BY (base, currency, date);

-- Loaded anew by `stitchline rates`; LIFETIME does the same on other servers of a cluster.
CREATE DICTIONARY IF NOT EXISTS {database}.exchange_rate
(
    base String,
    currency String,
    since Date,
    until Date,
    rate Decimal(38, 12)
)
PRIMARY KEY base, currency
SOURCE(CLICKHOUSE({dictionary_user}
    QUERY 'SELECT base, currency, date AS since, leadInFrame(date - 1, 1, toDate(65535)) OVER (PARTITION BY base, currency ORDER BY date ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS until, rate FROM {database}.exchange_rates FINAL'))
LAYOUT(COMPLEX_KEY_RANGE_HASHED())
RANGE(MIN since MAX until)
LIFETIME(MIN 60 MAX 300);

-- One row: the currency of STITCHLINE_BASE_CURRENCY when `stitchline migrate` ran last.
CREATE OR REPLACE VIEW {database}.base_currency AS SELECT '{base_currency}' AS currency;

-- One row for each order of a workspace, whoever reported it and how often; an Order Completed without an order id is one by itself.
--   told     what was said of it: each field is that of the last report, by event time, that has it; ties by message id
--   refunds  of each amount as many as the one source says that says most: two sources that report the same refund mean one
CREATE OR REPLACE VIEW {database}.orders AS
WITH
    (SELECT currency FROM {database}.base_currency) AS base,
    refunds AS
    (
        SELECT workspace, order_id, groupArray((currency, said)) AS amounts, max(has_unknown) AS is_whole
        FROM
        (
            SELECT workspace, order_id, currency, sum(toDecimal256(ifNull(amount, 0), 6) * times) AS said, max(isNull(amount)) AS has_unknown
            FROM
            (
                SELECT workspace, order_id, currency, amount, max(said) AS times
                FROM
                (
                    SELECT workspace, order_id, currency, source, amount, uniqExact(message_id) AS said
                    FROM
                    (
                        SELECT
                            workspace,
                            commerce.order_id AS order_id,
                            commerce.currency AS currency,
                            source,
                            message_id,
                            arraySum(item -> toDecimal256(ifNull(item.price, 0), 6) * toDecimal256(ifNull(item.quantity, 1), 6), items) AS goods,
                            empty(items) OR arrayExists(item -> isNull(item.price), items) OR abs(goods) >= 1000000000000 AS has_no_goods,
                            abs(coalesce(
                                commerce.total,
                                commerce.revenue,
                                commerce.subtotal,
                                commerce.value,
                                if(has_no_goods, NULL, toDecimal64(roundBankers(if(has_no_goods, toDecimal256(0, 12), goods), 6), 6))
                            )) AS amount
                        FROM {database}.events
                        WHERE meaning.event = 'Order Refunded' AND commerce.order_id != ''
                    )
                    GROUP BY workspace, order_id, currency, source, amount
                )
                GROUP BY workspace, order_id, currency, amount
            )
            GROUP BY workspace, order_id, currency
        )
        GROUP BY workspace, order_id
    ),
    said AS
    (
        SELECT
            workspace,
            commerce.order_id AS order_id,
            if(order_id = '', message_id, '') AS alone,
            message_id,
            source,
            timestamp,
            meaning.event AS kind,
            kind IN ('Order Completed', 'Order Updated') AS is_report,
            (timestamp, message_id, raw_partition, raw_offset, raw_index) AS place,
            user_id != '' AS is_known,
            dictGetOrDefault('{database}.idr_segment', 'owner', subject, toUnixTimestamp64Milli(timestamp), subject) AS owner,
            dictGetOrDefault('{database}.idr_root', 'root', owner, owner) AS root,
            commerce,
            items
        FROM {database}.events
        WHERE meaning.event IN ('Order Completed', 'Order Updated', 'Order Cancelled', 'Order Refunded') AND (commerce.order_id != '' OR meaning.event = 'Order Completed')
    ),
    told AS
    (
        SELECT
            workspace,
            order_id,
            alone,
            argMax(root, (is_report, is_known, place)) AS profile,
            countIf(is_report) > 0 AS is_reported,
            uniqExactIf(message_id, is_report) AS reports,
            arraySort(groupUniqArrayIf(source, is_report)) AS sources,
            if(is_reported, minIf(timestamp, is_report), min(timestamp)) AS ordered_at,
            max(timestamp) AS changed_at,
            countIf(kind = 'Order Updated') > 0 AS is_updated,
            countIf(kind = 'Order Cancelled') > 0 AS is_cancelled,
            argMaxIf(commerce.currency, place, is_report AND commerce.currency != '') AS stated_currency,
            argMaxIf(commerce.value, place, is_report) AS value,
            argMaxIf(commerce.revenue, place, is_report) AS revenue,
            argMaxIf(commerce.total, place, is_report) AS total,
            argMaxIf(commerce.subtotal, place, is_report) AS subtotal,
            argMaxIf(commerce.shipping, place, is_report) AS shipping,
            argMaxIf(commerce.tax, place, is_report) AS tax,
            argMaxIf(commerce.discount, place, is_report) AS discount,
            argMaxIf(commerce.coupon, place, is_report AND commerce.coupon != '') AS coupon,
            argMaxIf(commerce.affiliation, place, is_report AND commerce.affiliation != '') AS affiliation,
            argMaxIf(commerce.checkout_id, place, is_report AND commerce.checkout_id != '') AS checkout_id,
            argMaxIf(commerce.cart_id, place, is_report AND commerce.cart_id != '') AS cart_id,
            argMaxIf(said.items, place, is_report AND notEmpty(said.items)) AS items
        FROM said
        GROUP BY workspace, order_id, alone
    ),
    priced AS
    (
        SELECT
            told.*,
            if(stated_currency = '', base, stated_currency) AS currency,
            arraySum(item -> toDecimal256(ifNull(item.price, 0), 6) * toDecimal256(ifNull(item.quantity, 1), 6), items) AS goods,
            empty(items) OR arrayExists(item -> isNull(item.price), items) OR abs(goods) >= 1000000000000 AS has_no_goods,
            coalesce(
                toDecimal128(total, 6),
                toDecimal128(coalesce(subtotal, revenue), 6) + ifNull(shipping, 0) + ifNull(tax, 0),
                toDecimal128(value, 6),
                if(has_no_goods, NULL, toDecimal128(roundBankers(if(has_no_goods, toDecimal256(0, 12), goods), 6), 6))
            ) AS amount,
            toDate(greatest(least(ordered_at, toDateTime64('2149-01-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:00', 3, 'UTC'))) AS day,
            if(currency = base, toDecimal128(1, 12), dictGetOrNull('{database}.exchange_rate', 'rate', (base, currency), day)) AS rate,
            refunds.is_whole AS is_refunded_whole,
            arrayMap(refund -> (if(refund.1 = '', currency, refund.1), refund.2), refunds.amounts) AS refunds_said,
            arrayMap(
                refund -> if(
                    refund.1 = currency,
                    refund.2,
                    toDecimal256(roundBankers(refund.2 * if(refund.1 = base, toDecimal128(1, 12), dictGetOrNull('{database}.exchange_rate', 'rate', (base, refund.1), day)) / rate, 6), 6)
                ),
                refunds_said
            ) AS refunds_converted
        FROM told
        LEFT JOIN refunds ON refunds.workspace = told.workspace AND refunds.order_id = told.order_id AND told.order_id != ''
    ),
    counted AS
    (
        SELECT
            *,
            multiIf(
                isNull(amount), NULL,
                amount <= 0 OR empty(refunds_said), toDecimal128(0, 6),
                is_refunded_whole, amount,
                arrayExists(refund -> isNull(refund), refunds_converted), NULL,
                toDecimal128(least(toDecimal256(ifNull(amount, 0), 6), arraySum(refund -> ifNull(refund, toDecimal256(0, 6)), refunds_converted)), 6)
            ) AS refunded,
            if(is_cancelled, amount * 0, amount - refunded) AS net
        FROM priced
    )
SELECT
    workspace,
    order_id,
    alone AS message_id,
    profile,
    lower(leftPad(hex(profile), 16, '0')) AS profile_id,
    ordered_at,
    changed_at,
    multiIf(
        is_cancelled, 'cancelled',
        notEmpty(refunds_said) AND (isNull(amount) OR refunded = amount), 'refunded',
        notEmpty(refunds_said), 'partly refunded',
        is_updated, 'updated',
        'completed'
    ) AS status,
    is_reported,
    reports,
    sources,
    affiliation,
    checkout_id,
    cart_id,
    coupon,
    stated_currency,
    currency,
    value,
    revenue,
    total,
    subtotal,
    shipping,
    tax,
    discount,
    amount,
    refunded,
    net,
    base AS base_currency,
    rate,
    toDecimal128(roundBankers(toDecimal256(amount, 6) * rate, 6), 6) AS amount_base,
    toDecimal128(roundBankers(toDecimal256(refunded, 6) * rate, 6), 6) AS refunded_base,
    toDecimal128(roundBankers(toDecimal256(net, 6) * rate, 6), 6) AS net_base,
    arraySort(arrayDistinct(arrayConcat(
        if(isNull(rate) AND isNotNull(amount), [currency], []),
        arrayMap(refund -> refund.1, arrayFilter((refund, converted) -> isNull(converted), refunds_said, refunds_converted))
    ))) AS unconverted,
    items
FROM counted;

-- One row for each line of an order, of the last report that has lines.
CREATE OR REPLACE VIEW {database}.order_items AS
SELECT
    workspace,
    order_id,
    message_id,
    profile,
    profile_id,
    ordered_at,
    status,
    line,
    multiIf(item.product_id != '', item.product_id, item.sku != '', item.sku, item.name) AS product,
    item.product_id AS product_id,
    item.sku AS sku,
    item.name AS name,
    item.brand AS brand,
    item.category AS category,
    item.variant AS variant,
    item.coupon AS coupon,
    item.position AS position,
    if(item.currency = '', orders.currency, item.currency) AS currency,
    item.price AS price,
    ifNull(item.quantity, 1) AS units,
    roundBankers(toDecimal256(item.price, 6) * toDecimal256(units, 6), 6) AS exact_amount,
    if(abs(exact_amount) < 1000000000000, toDecimal128(if(abs(exact_amount) < 1000000000000, exact_amount, NULL), 6), NULL) AS amount,
    base_currency,
    if(
        currency = base_currency,
        toDecimal128(1, 12),
        dictGetOrNull(
            '{database}.exchange_rate',
            'rate',
            (base_currency, currency),
            toDate(greatest(least(ordered_at, toDateTime64('2149-01-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:00', 3, 'UTC')))
        )
    ) AS rate,
    toDecimal128(roundBankers(toDecimal256(amount, 6) * rate, 6), 6) AS amount_base
FROM {database}.orders
ARRAY JOIN items AS item, arrayEnumerate(items) AS line
WHERE is_reported;

-- What happened to each product in each hour, by event time. Orders that were cancelled do not count; what was refunded does.
CREATE OR REPLACE VIEW {database}.product_counters AS
SELECT
    workspace,
    toStartOfHour(toDateTime(greatest(least(at, toDateTime64('2106-01-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:00', 3, 'UTC')), 'UTC')) AS hour,
    product,
    argMax(said_name, (said_name != '', at, said_name)) AS name,
    countIf(kind = 'viewed') AS viewed,
    countIf(kind = 'added') AS added,
    countIf(kind = 'removed') AS removed,
    countIf(kind = 'ordered') AS ordered,
    sumIf(units, kind = 'added') AS units_added,
    sumIf(units, kind = 'removed') AS units_removed,
    sumIf(units, kind = 'ordered') AS units_ordered,
    sum(amount) AS amount_base
FROM
(
    SELECT
        workspace,
        timestamp AS at,
        transform(toString(meaning.event), ['Product Viewed', 'Product Removed'], ['viewed', 'removed'], 'added') AS kind,
        multiIf(item.product_id != '', item.product_id, item.sku != '', item.sku, item.name) AS product,
        item.name AS said_name,
        toDecimal128(ifNull(item.quantity, 1), 6) AS units,
        toDecimal128(0, 6) AS amount
    FROM {database}.events
    ARRAY JOIN items AS item
    WHERE meaning.event IN ('Product Viewed', 'Product Added', 'Product Removed', 'Wishlist Product Added to Cart')
    UNION ALL
    SELECT workspace, ordered_at, 'ordered', product, name, toDecimal128(units, 6), ifNull(amount_base, 0)
    FROM {database}.order_items
    WHERE status != 'cancelled'
)
WHERE product != ''
GROUP BY workspace, hour, product;

-- One row for each profile that ordered. Orders that were cancelled count as cancelled alone; `lifetime_value` is what is left after refunds.
CREATE OR REPLACE VIEW {database}.customers AS
SELECT
    workspace,
    profile,
    any(orders.profile_id) AS profile_id,
    countIf(status != 'cancelled') AS orders,
    countIf(status = 'cancelled') AS cancelled,
    countIf(status IN ('refunded', 'partly refunded')) AS refunded,
    countIf(notEmpty(unconverted)) AS unconverted,
    any(base_currency) AS base_currency,
    sumIf(amount_base, status != 'cancelled') AS revenue,
    sumIf(refunded_base, status != 'cancelled') AS refunds,
    sum(net_base) AS lifetime_value,
    min(ordered_at) AS first_order_at,
    max(ordered_at) AS last_order_at
FROM {database}.orders
WHERE is_reported
GROUP BY workspace, profile;

-- Currencies that no rate converts on the days of these orders: their amounts are in no sum in the base currency. Load rates for them.
CREATE OR REPLACE VIEW {database}.missing_rates AS
SELECT workspace, currency, base_currency, count() AS orders, toDate32(min(ordered_at)) AS first_day, toDate32(max(ordered_at)) AS last_day
FROM (SELECT workspace, arrayJoin(unconverted) AS currency, base_currency, ordered_at FROM {database}.orders)
GROUP BY workspace, currency, base_currency;
