INSERT INTO events_in (
    workspace, source, message_id, type, event, name, timestamp, received_at, sent_at, original_timestamp, anonymous_id, user_id, group_id,
    subject, profile_id, session_id, traits, properties, context, integrations, envelope, identifiers, raw_partition, raw_offset, raw_index,
    visitor, touch, device, place, meaning, commerce, items)
WITH
    {first:UInt64} + number AS n,
    sipHash64({seed:UInt64}, n) AS r,
    if(bitAnd(r, 1) = 0, intDiv(r, 2) % {subjects:UInt64}, intDiv(r, 2) % intDiv({subjects:UInt64}, 10) * 10) AS who,
    bitShiftRight(sipHash64('subject', who), 1) AS node,
    who % 5 = 0 AS is_user,
    bitShiftRight(sipHash64('user', who - who % 5), 1) AS owner,
    sipHash64({seed:UInt64} + 1, n) % 1000 AS dice,
    multiIf(dice < 560, 'Product Viewed', dice < 680, 'Product Added', dice < 700, 'Signed Up', dice < 730, 'Order Completed', '') AS called,
    multiIf(called != '', 'track', dice < 970, 'page', 'identify') AS kind,
    sipHash64({seed:UInt64} + 2, n) AS pick,
    concat('p', toString(pick % 500)) AS product,
    ['shoes', 'shirts', 'mugs', 'books', 'toys'][pick % 5 + 1] AS category,
    toDecimal64(5 + pick % 9500 / 100, 6) AS price,
    toDateTime64('2026-08-01 00:00:00', 3, 'UTC') + toIntervalDay({day:UInt32}) + toIntervalMillisecond(sipHash64({seed:UInt64} + 3, n) % 86400000) AS at,
    ['direct', 'organic_search', 'paid_search', 'email', 'social'][who * 7 % 5 + 1] AS channel,
    format('d-{0}', toString(who)) AS device_id,
    if(is_user, format('u-{0}', toString(who)), '') AS user,
    multiIf(
        called IN ('Product Viewed', 'Product Added'),
        format('{{"product_id":"{0}","sku":"S-{0}","category":"{1}","name":"A thing of {1}","price":{2},"currency":"EUR","position":{3},"list":"front"}}', product, category, toString(price), toString(pick % 20)),
        called = 'Order Completed',
        format('{{"order_id":"o{0}","total":{2},"currency":"EUR","coupon":"","products":[{{"product_id":"{1}","category":"{3}","price":{2},"quantity":1}}]}}', toString(n), product, toString(price), category),
        called = 'Signed Up', '{"method":"mail"}',
        kind = 'page', format('{{"path":"/c/{0}","title":"All of {0}","url":"https://shop.example/c/{0}"}}', category),
        '{}') AS said,
    format('{{"library":{{"name":"analytics.js","version":"4.1.0"}},"page":{{"path":"/c/{0}","referrer":"","search":"","title":"All of {0}","url":"https://shop.example/c/{0}"}},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36","locale":"de-DE","screen":{{"width":1920,"height":1080}}}}', category) AS around
SELECT
    'main', 'web', hex(sipHash128(n)), kind, called, if(kind = 'page', category, ''), at, at + 1, at, at, device_id, user, '',
    if(is_user, owner, node), '', 's', if(kind = 'identify', format('{{"plan":"{0}","age":{1} }}', ['free', 'pro', 'team'][who % 3 + 1], toString(20 + pick % 50)), '{}'),
    said, around, '{}',
    format('{{"type":"{0}","event":"{1}","messageId":"{2}","anonymousId":"{3}","userId":"{4}","timestamp":"{5}","properties":{6},"context":{7} }}', kind, called, hex(sipHash128(n)), device_id, user, toString(at), said, around),
    if(is_user, [(owner, 'u', user), (node, 'a', device_id)], [(node, 'a', device_id)]), toInt32(n % 4), toInt64(n), 0,
    node, (channel, channel, '', '', '', '', '', '', ''),
    ('desktop', '', '', 'Linux', '', 'Chrome', '141', who % 33 = 17), ('', 'DE', 'BE', 'Berlin', 'Europe/Berlin'),
    (if(called IN ('', 'Signed Up'), '', 'ecommerce'), if(called = 'Signed Up', '', called), []),
    (if(called = 'Order Completed', format('o{0}', toString(n)), ''), '', '', '', '', if(called = 'Order Completed', 'EUR', ''), NULL, NULL, if(called = 'Order Completed', price, NULL), NULL, NULL, NULL, NULL),
    if(called IN ('Product Viewed', 'Product Added', 'Order Completed'), [(product, concat('S-', product), concat('A thing of ', category), '', category, '', '', 'EUR', price, 1, pick % 20)], [])
FROM numbers({rows:UInt64})
