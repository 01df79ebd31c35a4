INSERT INTO events_in (
    workspace, source, message_id, type, event, timestamp, received_at, sent_at, original_timestamp, anonymous_id, subject, session_id, traits, properties,
    context, integrations, envelope, identifiers, visitor, touch, device, place, meaning, commerce)
WITH
    {first:UInt64} + number AS n,
    n % {visitors:UInt64} AS who,
    intDiv(n, {visitors:UInt64}) AS turn,
    turn % 5 AS step,
    sipHash64('node', who) % 9223372036854775807 AS node,
    sipHash64('event', n) AS pick,
    multiIf(
        step < 2, '',
        step = 2, 'Product Viewed',
        step = 3, ['Product Added', 'Signed Up', 'Searched'][pick % 3 + 1],
        ['Order Completed', 'Product Viewed', 'Checkout Started', 'Profile Completed'][pick % 4 + 1]
    ) AS called,
    called IN ('Product Viewed', 'Product Added', 'Checkout Started', 'Order Completed') AS is_shop,
    fromUnixTimestamp64Milli(toInt64(1714521600000 + sipHash64('visit', who, intDiv(turn, 5)) % 5184000 * 1000 + step * 61000 + pick % 1000), 'UTC') AS at,
    step = 0 AND pick % 2 = 0 AS is_brought,
    intDiv(pick, 7) % 4 + 1 AS campaign
SELECT
    'main', if(pick % 20 = 0, 'app', 'web'), toString(n), if(step < 2, 'page', 'track'), called, at, at, at, at, format('d-{0}', toString(who)), node, 's', '{}', '{}',
    format('{{"page":{{"url":"https://shop.example/p/{0}","path":"/p/{0}","title":"A thing"}}}}', toString(n % 1000)), '{}', '{}', [(node, 'a', format('d-{0}', toString(who)))], node,
    if(
        is_brought,
        (['organic_search', 'email', 'paid_search', 'referral'][campaign], ['google', 'newsletter', 'google', 'blog'][campaign], ['organic', 'email', 'cpc', 'referral'][campaign],
            ['', 'spring', 'brand', ''][campaign], '', '', '', '', ['google.com', '', 'google.com', 'blog.example'][campaign]),
        ('', '', '', '', '', '', '', '', '')
    ),
    (['desktop', 'desktop', 'mobile'][who % 3 + 1], '', '', '', '', '', '', who % 50 = 0), ('', ['DE', 'FR', 'US'][who % 3 + 1], '', '', ''),
    (if(is_shop, 'ecommerce', ''), if(is_shop, called, ''), if(pick % 100 = 0, ['properties.x: wrong'], [])),
    (if(called = 'Order Completed', format('o{0}', toString(n)), ''), '', '', '', '', if(called = 'Order Completed', 'EUR', ''), NULL, NULL,
        if(called = 'Order Completed', toDecimal64(5 + pick % 20000 / 100, 6), NULL), NULL, NULL, NULL, NULL)
FROM numbers({rows:UInt64})
