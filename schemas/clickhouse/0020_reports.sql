-- Reports as views with parameters, for any client: SELECT * FROM engagement(workspace = 'main', since = '2024-05-01', ...). What each says, its
-- parameters and columns: docs/reports.md. Whose an event is, is asked of identity as it is now, so arrival, repetition and merges change nothing.
--
-- Parameters that come again: `since` (inclusive) and `until` (exclusive) are texts, dates or times on the clock of `zone`, or with an offset of their
-- own; `people` is known, anonymous or any; `bots` is exclude, include or only; `unit` is day, week or month; a length of time is a text as in
-- segments (36h, 90d; a day is 24 hours). What is none of these is refused: a report that silently means something else is worse than none.

-- When a row was written, hence about when a query could find it; 1970 for those of before.
ALTER TABLE {database}.events ADD COLUMN IF NOT EXISTS stored_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) AFTER received_at;

-- Arrival follows event time closely enough that most granules are skipped.
ALTER TABLE {database}.events ADD INDEX IF NOT EXISTS by_received_at received_at TYPE minmax GRANULARITY 1;
ALTER TABLE {database}.events MATERIALIZE INDEX by_received_at;

-- As in 0010_stamps.sql, with the time.
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
    JSONExtract(events_in.context, 'page', 'Tuple(url String, path String, title String, referrer String, search String)') AS page,
    now64(3) AS stored_at
FROM {database}.events_in;

-- As in 0014_sessions.sql, at half the cost: the least of tuples is found as the least of one number or text that is ordered as they are, since aggregates
-- of tuples compare them value by value.
--   moment         the millisecond as eight bytes, the greatest first
--   touch_moment   the millisecond, the hashes of origin and referrer, and of the touch, so that nothing is left to chance
CREATE OR REPLACE VIEW {database}.sessions_between AS
SELECT
    workspace,
    visitor,
    concat(lower(leftPad(hex(visitor), 16, '0')), '-', if(started_ms = 0, '0', lower(trimLeft(hex(started_ms), '0')))) AS session_id,
    dictGetOrDefault('{database}.idr_segment', 'owner', subject, started_ms, subject) AS owner,
    dictGetOrDefault('{database}.idr_root', 'root', owner, owner) AS profile,
    lower(leftPad(hex(profile), 16, '0')) AS profile_id,
    fromUnixTimestamp64Milli(started_ms, 'UTC') AS started_at,
    fromUnixTimestamp64Milli(ended_ms, 'UTC') AS ended_at,
    ended_ms - started_ms AS duration_ms,
    page_views,
    events,
    landing_page,
    exit_page,
    interactions <= 1 AS is_bounce,
    if(
        touch.channel = '',
        CAST(('direct', '', '', '', '', '', '', '', ''), 'Tuple(channel String, source String, medium String, campaign String, term String, content String, click_kind String, click_id String, referrer String)'),
        touch
    ) AS touch,
    device,
    country
FROM
(
    SELECT
        event.workspace AS workspace,
        event.visitor AS visitor,
        start.ms AS started_ms,
        max(event.ms) AS ended_ms,
        reinterpretAsUInt64(min(bitOr(bitShiftLeft(toUInt128(event.ms + 4611686018427387904), 64), toUInt128(event.subject)))) AS subject,
        countIf(event.type IN ('page', 'screen')) AS page_views,
        countIf(event.type IN ('page', 'screen', 'track')) AS interactions,
        count() AS events,
        substring(minIf(concat(event.moment, event.at_page), event.at_page != ''), 9) AS landing_page,
        substring(maxIf(concat(event.moment, event.at_page), event.at_page != ''), 9) AS exit_page,
        CAST(argMinIf(event.touch, event.touch_moment, event.touch.channel != ''), 'Tuple(channel String, source String, medium String, campaign String, term String, content String, click_kind String, click_id String, referrer String)') AS touch,
        substring(minIf(concat(event.moment, event.device_kind), event.device_kind != ''), 9) AS device,
        substring(minIf(concat(event.moment, event.country_code), event.country_code != ''), 9) AS country
    FROM
    (
        SELECT
            workspace,
            visitor,
            subject,
            type,
            touch,
            toUnixTimestamp64Milli(timestamp) AS ms,
            reverse(reinterpretAsFixedString(toUInt64(ms + 4611686018427387904))) AS moment,
            if(touch.channel = '', 0, greatest(1, CRC32(concat(touch.source, '\0', touch.medium, '\0', touch.campaign, '\0', touch.click_id)))) AS origin,
            if(touch.referrer = '', 0, greatest(1, CRC32(touch.referrer))) AS referrer,
            bitOr(
                bitOr(bitShiftLeft(toUInt256(ms + 4611686018427387904), 128), bitShiftLeft(toUInt256(origin), 96)),
                bitOr(bitShiftLeft(toUInt256(referrer), 64), toUInt256(if(touch.channel = '', 0, sipHash64(touch))))
            ) AS touch_moment,
            if(type = 'screen', name, cutQueryStringAndFragment(page.url)) AS at_page,
            toString(device.kind) AS device_kind,
            toString(place.country) AS country_code
        FROM {database}.events
        WHERE session_id != '' AND timestamp >= {since:DateTime64(3, 'UTC')} AND timestamp < {until:DateTime64(3, 'UTC')} + INTERVAL 1 DAY
    ) AS event
    ASOF JOIN
    (
        SELECT workspace, visitor, ms
        FROM {database}.session_moments_between(since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')})
        WHERE ms = started_ms
    ) AS start ON event.workspace = start.workspace AND event.visitor = start.visitor AND event.ms >= start.ms
    WHERE start.ms >= toUnixTimestamp64Milli({since:DateTime64(3, 'UTC')}) AND start.ms < toUnixTimestamp64Milli({until:DateTime64(3, 'UTC')})
    GROUP BY workspace, visitor, started_ms
);

-- Events with whom they are of, of those people and bots that are asked for. A profile is known when it is more than a device: its root is neither an
-- anonymous id nor a lone event, which every row tells for itself.
CREATE OR REPLACE VIEW {database}.people_events AS
SELECT *
FROM
(
    SELECT
        workspace, source, message_id, type, event, name, timestamp, received_at, stored_at, subject, visitor, session_id, user_id, anonymous_id,
        dictGetOrDefault('{database}.idr_segment', 'owner', subject, toUnixTimestamp64Milli(timestamp), subject) AS owner,
        dictGetOrDefault('{database}.idr_root', 'root', owner, owner) AS profile,
        profile != subject OR subject_type NOT IN ('a', 'm') AS is_known,
        properties, touch, visit, device, place, meaning, commerce, items, page
    FROM {database}.events
    WHERE workspace = {workspace:String}
      AND (SELECT throwIf({bots:String} NOT IN ('exclude', 'include', 'only'), 'bots: exclude, include or only')) = 0
      AND ({bots:String} = 'include' OR device.is_bot = ({bots:String} = 'only'))
)
WHERE (SELECT throwIf({people:String} NOT IN ('known', 'anonymous', 'any'), 'people: known, anonymous or any')) = 0
  AND ({people:String} = 'any' OR is_known = ({people:String} = 'known'));

-- When each of these people was seen first and last, of all times: from the small table of subjects, for contested devices from their events.
CREATE OR REPLACE VIEW {database}.people_seen AS
SELECT workspace, profile, min(first) AS first_seen, max(last) AS last_seen
FROM
(
    SELECT
        workspace,
        dictGetOrDefault('{database}.idr_root', 'root', subject, subject) AS profile,
        profile != subject OR subject_type NOT IN ('a', 'm') AS is_known,
        multiIf({bots:String} = 'exclude', human_first_seen, {bots:String} = 'only', bot_first_seen, least(human_first_seen, bot_first_seen)) AS first,
        multiIf({bots:String} = 'exclude', human_last_seen, {bots:String} = 'only', bot_last_seen, greatest(human_last_seen, bot_last_seen)) AS last
    FROM {database}.subjects
    WHERE workspace = {workspace:String}
      AND (SELECT throwIf({bots:String} NOT IN ('exclude', 'include', 'only'), 'bots: exclude, include or only')) = 0
      AND subject NOT IN (SELECT node FROM {database}.identity_pointers FINAL WHERE workspace = {workspace:String} AND notEmpty(segments))
      AND first < toDateTime64('2299-12-31 00:00:00', 3, 'UTC')
    UNION ALL
    SELECT workspace, profile, is_known, timestamp, timestamp
    FROM {database}.people_events(workspace = {workspace:String}, people = 'any', bots = {bots:String})
    WHERE subject IN (SELECT node FROM {database}.identity_pointers FINAL WHERE workspace = {workspace:String} AND notEmpty(segments))
)
WHERE (SELECT throwIf({people:String} NOT IN ('known', 'anonymous', 'any'), 'people: known, anonymous or any')) = 0
  AND ({people:String} = 'any' OR is_known = ({people:String} = 'known'))
GROUP BY workspace, profile;

-- What each source sent, by the day on which it was received.
CREATE OR REPLACE VIEW {database}.source_statistics AS
WITH
    parseDateTime64BestEffort({since:String}, 3, {zone:String}) AS since,
    parseDateTime64BestEffort({until:String}, 3, {zone:String}) AS until
SELECT
    workspace, day, source,
    sum(part_events) AS events,
    sum(part_people) AS people,
    sum(part_known) AS known_people,
    sum(part_bots) AS bots,
    sum(part_letters) AS dead_letters,
    sum(part_violations) AS violations,
    max(part_p50) AS delay_p50_ms,
    max(part_p95) AS delay_p95_ms
FROM
(
    SELECT
        workspace,
        toDate32(received_at, {zone:String}) AS day,
        source,
        count() AS part_events,
        uniqExactIf(profile, NOT device.is_bot) AS part_people,
        uniqExactIf(profile, NOT device.is_bot AND is_known) AS part_known,
        countIf(device.is_bot) AS part_bots,
        toUInt64(0) AS part_letters,
        countIf(notEmpty(meaning.violations)) AS part_violations,
        quantilesExactIf(0.5, 0.95)(toUnixTimestamp64Milli(stored_at) - toUnixTimestamp64Milli(received_at), toUnixTimestamp64Milli(stored_at) > 0) AS delays,
        if(max(toUnixTimestamp64Milli(stored_at)) = 0, NULL, delays[1]) AS part_p50,
        if(max(toUnixTimestamp64Milli(stored_at)) = 0, NULL, delays[2]) AS part_p95
    FROM {database}.people_events(workspace = {workspace:String}, people = 'any', bots = 'include')
    WHERE received_at >= since AND received_at < until
    GROUP BY workspace, day, source
    UNION ALL
    SELECT workspace, toDate32(received_at, {zone:String}) AS day, source, 0, 0, 0, 0, count(), 0, [], NULL, NULL
    FROM {database}.dead_letters
    WHERE workspace = {workspace:String} AND received_at >= since AND received_at < until
    GROUP BY workspace, day, source
)
GROUP BY workspace, day, source;

-- The same of a range of time, each with its day and its period of days, weeks (from Monday) or months.
CREATE OR REPLACE VIEW {database}.people_events_between AS
SELECT
    *,
    toDate32(timestamp, {zone:String}) AS day,
    multiIf({unit:String} = 'day', day, {unit:String} = 'week', day - toDayOfWeek(day) + 1, day - toDayOfMonth(day) + 1) AS period
FROM {database}.people_events(workspace = {workspace:String}, people = {people:String}, bots = {bots:String})
WHERE timestamp >= parseDateTime64BestEffort({since:String}, 3, {zone:String})
  AND timestamp < parseDateTime64BestEffort({until:String}, 3, {zone:String})
  AND (SELECT throwIf({unit:String} NOT IN ('day', 'week', 'month'), 'unit: day, week or month')) = 0;

-- How often each event came on each site (the host of its page; empty for servers), in each period, and from how many people.
CREATE OR REPLACE VIEW {database}.event_counts AS
SELECT
    workspace, period, source, site, type, label AS event,
    count() AS events,
    uniqExact(profile) AS people,
    min(timestamp) AS first_seen,
    max(timestamp) AS last_seen
FROM
(
    SELECT *, lower(domainWithoutWWW(page.url)) AS site, if(event != '', event, name) AS label
    FROM {database}.people_events_between(workspace = {workspace:String}, since = {since:String}, until = {until:String}, zone = {zone:String}, unit = {unit:String}, people = {people:String}, bots = {bots:String})
)
GROUP BY workspace, period, source, site, type, label;

-- The newest events by arrival, with who did them: the value and kind of the profile's own identifier where that is in clear.
CREATE OR REPLACE VIEW {database}.live_feed AS
SELECT
    newest.workspace AS workspace,
    received_at,
    timestamp,
    source,
    type,
    if(event != '', event, name) AS event,
    page.path AS path,
    lower(leftPad(hex(profile), 16, '0')) AS profile_id,
    is_known,
    own.value AS person,
    own.kind AS person_kind,
    if(visit.touch.channel != '', visit.touch.channel, 'direct') AS channel,
    device.kind AS device,
    place.country AS country,
    message_id
FROM
(
    SELECT *
    FROM {database}.people_events(workspace = {workspace:String}, people = {people:String}, bots = {bots:String})
    WHERE received_at >= parseDateTime64BestEffort({since:String}, 3, {zone:String})
    ORDER BY received_at DESC, message_id DESC
    LIMIT {rows:UInt32}
) AS newest
LEFT JOIN
(
    SELECT workspace, node, max(identifiers.value) AS value, any(identifiers.kind) AS kind
    FROM {database}.identifiers
    WHERE workspace = {workspace:String} AND identifiers.value != ''
    GROUP BY workspace, node
) AS own ON own.workspace = newest.workspace AND own.node = newest.profile
ORDER BY received_at DESC, message_id DESC;

-- How many people were active in each period, how many of them for the first time, and how much they did. Stickiness is the share of a period's
-- people who are there on a day of it, on average over the days of the period that lie in the range (daily by monthly active people, for months).
CREATE OR REPLACE VIEW {database}.engagement AS
SELECT
    workspace,
    period,
    count() AS people,
    countIf(is_new) AS new_people,
    people - new_people AS returning_people,
    sum(part_events) AS events,
    sum(part_days) AS active_days,
    events / people AS events_per_person,
    active_days / people / days AS stickiness,
    greatest(period, toDate32(parseDateTime64BestEffort({since:String}, 3, {zone:String}), {zone:String})) AS first_day,
    least(
        multiIf({unit:String} = 'day', period, {unit:String} = 'week', period + 6, addMonths(period, 1) - 1),
        toDate32(parseDateTime64BestEffort({until:String}, 3, {zone:String}) - toIntervalMillisecond(1), {zone:String})
    ) AS last_day,
    dateDiff('day', first_day, last_day) + 1 AS days
FROM
(
    SELECT
        active.workspace AS workspace,
        active.period AS period,
        active.part_events AS part_events,
        active.part_days AS part_days,
        seen.first_seen >= active.since_here AS is_new
    FROM
    (
        SELECT workspace, profile, period, count() AS part_events, uniqExact(day) AS part_days, min(timestamp) AS since_here
        FROM {database}.people_events_between(workspace = {workspace:String}, since = {since:String}, until = {until:String}, zone = {zone:String}, unit = {unit:String}, people = {people:String}, bots = {bots:String})
        GROUP BY workspace, profile, period
    ) AS active
    LEFT JOIN {database}.people_seen(workspace = {workspace:String}, people = {people:String}, bots = {bots:String}) AS seen
        ON seen.workspace = active.workspace AND seen.profile = active.profile
)
GROUP BY workspace, period;

-- Of each day of the zone: people who were active on it, in the 7 days that end with it, in the 30; every day of the range is there. Each person's day
-- begins a stay that lasts until the window has passed or their next day comes, so that a stay's ends are two steps and nobody counts twice.
CREATE OR REPLACE VIEW {database}.active_people AS
WITH
    toDate32(parseDateTime64BestEffort({since:String}, 3, {zone:String}), {zone:String}) AS first_day,
    toDate32(parseDateTime64BestEffort({until:String}, 3, {zone:String}) - toIntervalMillisecond(1), {zone:String}) AS last_day
SELECT
    {workspace:String} AS workspace,
    addDays(toDate32('1970-01-01'), number) AS day,
    running.1 AS people,
    running.2 AS people_7,
    running.3 AS people_30,
    if(people_7 = 0, NULL, people / people_7) AS stickiness_7,
    if(people_30 = 0, NULL, people / people_30) AS stickiness_30
FROM
(
    SELECT
        number,
        (sum(one) OVER upto, sum(seven) OVER upto, sum(thirty) OVER upto) AS running
    FROM
    (
        SELECT number, sum(step.2) AS one, sum(step.3) AS seven, sum(step.4) AS thirty
        FROM
        (
            SELECT
                arraySort(groupUniqArray(toInt32(day))) AS days,
                arrayPushBack(arrayPopFront(days), 2147483647) AS nexts,
                arrayJoin(arrayConcat(
                    arrayMap(at -> (at, 1, 1, 1), days),
                    arrayMap((at, next) -> (least(at + 1, next), -1, 0, 0), days, nexts),
                    arrayMap((at, next) -> (least(at + 7, next), 0, -1, 0), days, nexts),
                    arrayMap((at, next) -> (least(at + 30, next), 0, 0, -1), days, nexts)
                )) AS step,
                step.1 AS number
            FROM
            (
                SELECT profile, toDate32(timestamp, {zone:String}) AS day
                FROM {database}.people_events(workspace = {workspace:String}, people = {people:String}, bots = {bots:String})
                WHERE timestamp >= toDateTime64(first_day - 31, 3, 'UTC') AND timestamp < toDateTime64(last_day + 2, 3, 'UTC')
            )
            WHERE day >= first_day - 29 AND day <= last_day
            GROUP BY profile
            UNION ALL
            SELECT [], [], (0, 0, 0, 0), toInt32(first_day) + number
            FROM numbers(toUInt64(dateDiff('day', first_day, last_day) + 1))
        )
        GROUP BY number
    )
    WINDOW upto AS (ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
WHERE day >= first_day AND day <= last_day;

-- Events that match any of some steps, with the numbers of those steps. A step is the name of an event, or `page`, `screen`, `page:/path` and
-- `screen:Name`, where % stands for anything, or `any`.
CREATE OR REPLACE VIEW {database}.step_events AS
SELECT
    *,
    toUnixTimestamp64Milli(timestamp) AS ms,
    arrayFilter(
        (number, step) -> multiIf(
            step = 'any' OR (step = event AND event != ''), true,
            type = 'page', step = 'page' OR (startsWith(step, 'page:') AND page.path LIKE substring(step, 6)),
            type = 'screen', step = 'screen' OR (startsWith(step, 'screen:') AND name LIKE substring(step, 8)),
            false
        ),
        arrayEnumerate({steps:Array(String)}),
        {steps:Array(String)}
    ) AS matched
FROM {database}.people_events(workspace = {workspace:String}, people = {people:String}, bots = {bots:String})
WHERE (SELECT throwIf(length({steps:Array(String)}) NOT BETWEEN 1 AND 20, 'steps: one to twenty')) = 0
  AND (has({steps:Array(String)}, 'any') OR has(arrayConcat({steps:Array(String)}, if(arrayExists(step -> match(step, '^(page|screen)(:|$)'), {steps:Array(String)}), [''], [])), event))
  AND notEmpty(matched);

-- Who went how far through steps in order, on whichever devices. A chain is distinct events, one for each step, from the first to the last at most `within`
-- (inclusive); events are in the order of time, lowest step matched, message id. The first step lies in the range, later ones may come after it. A person
-- has reached a step when first a chain up to it is whole; of the chains whole at that event the one that began last tells how long it took. They
-- entered where the longest began.
--   story    the person's events that match any step, the earliest 10,000
--   so_far   .1: of chains of each length where the latest began (place, ms);  .2: where the first that was whole began, and how long it took
CREATE OR REPLACE VIEW {database}.funnel_people AS
WITH
    toUnixTimestamp64Milli(parseDateTime64BestEffort({since:String}, 3, {zone:String})) AS since_ms,
    toUnixTimestamp64Milli(parseDateTime64BestEffort({until:String}, 3, {zone:String})) AS until_ms,
    toInt64OrZero(substring({within:String}, 1, length({within:String}) - 1)) * multiIf({within:String} LIKE '%w', 604800000, {within:String} LIKE '%d', 86400000, {within:String} LIKE '%h', 3600000, {within:String} LIKE '%m', 60000, 1000) AS within_ms
SELECT
    workspace,
    profile,
    lower(leftPad(hex(profile), 16, '0')) AS profile_id,
    toUInt8(length(arrayFilter(each -> each.1 > 0, reached))) AS level,
    story[reached[level].1] AS entered,
    fromUnixTimestamp64Milli(entered.1, 'UTC') AS entered_at,
    entered.3 AS message_id,
    entered.5 AS visitor,
    entered.6 AS device,
    entered.7 AS country,
    entered.8 AS source,
    arrayMap(each -> each.2, arraySlice(reached, 1, level)) AS took_ms
FROM
(
    SELECT
        workspace,
        profile,
        arraySlice(arrayCompact(arraySort(groupArray((ms, steps_here[1], message_id, steps_here, visit_of, device_kind, country_code, source_name)))), 1, 10000) AS story,
        arrayFold(
            (so_far, event, place) -> (
                arrayMap(
                    step -> multiIf(
                        NOT has(event.4, step), so_far.1[step],
                        step = 1, (toUInt32(place), event.1),
                        so_far.1[step - 1].1 > 0 AND event.1 - so_far.1[step - 1].2 <= within_ms, so_far.1[step - 1],
                        so_far.1[step]
                    ),
                    arrayEnumerate({steps:Array(String)})
                ),
                arrayMap(
                    step -> multiIf(
                        so_far.2[step].1 > 0 OR NOT has(event.4, step), so_far.2[step],
                        step = 1, (toUInt32(place), toInt64(0)),
                        so_far.1[step - 1].1 > 0 AND event.1 - so_far.1[step - 1].2 <= within_ms, (so_far.1[step - 1].1, event.1 - so_far.1[step - 1].2),
                        so_far.2[step]
                    ),
                    arrayEnumerate({steps:Array(String)})
                )
            ),
            story,
            arrayEnumerate(story),
            (
                arrayMap(step -> (toUInt32(0), toInt64(0)), {steps:Array(String)}),
                arrayMap(step -> (toUInt32(0), toInt64(0)), {steps:Array(String)})
            )
        ).2 AS reached
    FROM
    (
        SELECT
            workspace,
            profile,
            ms,
            message_id,
            arrayFilter(step -> step > 1 OR ms < until_ms, matched) AS steps_here,
            if(session_id != '', visitor, 0) AS visit_of,
            toString(device.kind) AS device_kind,
            toString(place.country) AS country_code,
            toString(source) AS source_name
        FROM {database}.step_events(workspace = {workspace:String}, steps = {steps:Array(String)}, people = {people:String}, bots = {bots:String})
        WHERE timestamp >= fromUnixTimestamp64Milli(since_ms, 'UTC') AND timestamp <= fromUnixTimestamp64Milli(until_ms + within_ms, 'UTC')
          AND (SELECT throwIf(length({within:String}) > 7 OR NOT match({within:String}, '^[1-9][0-9]*[smhdw]$'), 'within: a length of time such as 30m, 24h, 7d')) = 0
          AND notEmpty(steps_here)
    )
    GROUP BY workspace, profile
    HAVING reached[1].1 > 0
);

-- The funnel: of each step how many people reached it, by what the event by which they entered says: device, country, source, or the channel of its visit.
CREATE OR REPLACE VIEW {database}.funnel AS
SELECT
    {workspace:String} AS workspace,
    value,
    toUInt8(step) AS step,
    {steps:Array(String)}[step] AS name,
    countIf(level >= step) AS people,
    if(countIf(level > 0) = 0, NULL, people / countIf(level > 0)) AS share_of_first,
    if(step = 1 OR countIf(level + 1 >= step) = 0, NULL, people / countIf(level + 1 >= step)) AS share_of_previous,
    if(people = 0, NULL, quantileExactIf(0.5)(took_ms[step], level >= step) / 1000) AS median_seconds
FROM
(
    SELECT
        multiIf(
            {by:String} = 'device', one.device,
            {by:String} = 'country', one.country,
            {by:String} = 'source', one.source,
            {by:String} = 'channel', if(one.visitor = 0, '', visits.channel),
            ''
        ) AS value,
        one.level AS level,
        one.took_ms AS took_ms
    FROM
    (
        SELECT *, toUnixTimestamp64Milli(entered_at) AS ms
        FROM {database}.funnel_people(workspace = {workspace:String}, since = {since:String}, until = {until:String}, zone = {zone:String}, steps = {steps:Array(String)}, within = {within:String}, people = {people:String}, bots = {bots:String})
        WHERE (SELECT throwIf({by:String} NOT IN ('none', 'device', 'country', 'source', 'channel'), 'by: none, device, country, source or channel')) = 0
    ) AS one
    ASOF LEFT JOIN
    (
        SELECT workspace, visitor, touch.channel AS channel, toUnixTimestamp64Milli(started_at) AS ms
        FROM {database}.sessions_between(
            since = toTimeZone(parseDateTime64BestEffort({since:String}, 3, {zone:String}), 'UTC') - toIntervalDay(1),
            until = toTimeZone(parseDateTime64BestEffort({until:String}, 3, {zone:String}), 'UTC'))
        WHERE {by:String} = 'channel' AND workspace = {workspace:String}
    ) AS visits ON visits.workspace = one.workspace AND visits.visitor = one.visitor AND one.ms >= visits.ms
    UNION ALL
    SELECT '', 0, [] WHERE {by:String} = 'none'
)
ARRAY JOIN arrayEnumerate({steps:Array(String)}) AS step
GROUP BY value, step;

-- Of the people who were first seen in the range, how many did each step within a time of that, in any order: step 0 is being seen, the last is all of them.
CREATE OR REPLACE VIEW {database}.activation AS
WITH
    toInt64OrZero(substring({within:String}, 1, length({within:String}) - 1)) * multiIf({within:String} LIKE '%w', 604800000, {within:String} LIKE '%d', 86400000, {within:String} LIKE '%h', 3600000, {within:String} LIKE '%m', 60000, 1000) AS within_ms
SELECT
    {workspace:String} AS workspace,
    toUInt8(place - 1) AS step,
    arrayConcat(['first seen'], {steps:Array(String)}, ['all of them'])[place] AS name,
    countIf(took >= 0) AS people,
    if(count() = 0, NULL, people / count()) AS share,
    if(people = 0, NULL, quantileExactIf(0.5)(took, took >= 0) / 1000) AS median_seconds
FROM
(
    SELECT
        arrayMap(
            (first, is_late) -> if(is_late, -1, first),
            arrayConcat([toInt64(0)], waits, [arrayMax(waits)]) AS times,
            arrayMap(time -> time > within_ms, times)
        ) AS all_took
    FROM
    (
        SELECT
            if(
                empty(done.first_ms),
                arrayMap(step -> toInt64(9000000000000000000), {steps:Array(String)}),
                arrayMap(first -> if(first = 9000000000000000000, first, first - toUnixTimestamp64Milli(seen.first_seen)), done.first_ms)
            ) AS waits
        FROM
        (
            SELECT *
            FROM {database}.people_seen(workspace = {workspace:String}, people = {people:String}, bots = {bots:String})
            WHERE first_seen >= parseDateTime64BestEffort({since:String}, 3, {zone:String})
              AND first_seen < parseDateTime64BestEffort({until:String}, 3, {zone:String})
              AND (SELECT throwIf(length({within:String}) > 7 OR NOT match({within:String}, '^[1-9][0-9]*[smhdw]$'), 'within: a length of time such as 30m, 24h, 7d')) = 0
        ) AS seen
        LEFT JOIN
        (
            SELECT
                workspace,
                profile,
                minForEach(arrayMap(step -> if(has(matched, step), ms, toInt64(9000000000000000000)), arrayEnumerate({steps:Array(String)}))) AS first_ms
            FROM {database}.step_events(workspace = {workspace:String}, steps = {steps:Array(String)}, people = {people:String}, bots = {bots:String})
            WHERE timestamp >= parseDateTime64BestEffort({since:String}, 3, {zone:String})
              AND timestamp <= parseDateTime64BestEffort({until:String}, 3, {zone:String}) + toIntervalMillisecond(within_ms)
            GROUP BY workspace, profile
        ) AS done ON done.workspace = seen.workspace AND done.profile = seen.profile
    )
)
ARRAY JOIN all_took AS took, arrayEnumerate(all_took) AS place
GROUP BY place;

-- Of the people who did `first` for the first time of all in a period (the cohort), how many did `again` in the same period, the next, and so on; both
-- are steps, and `any` is any event. In the cohort's own period that counts from the first time on.
CREATE OR REPLACE VIEW {database}.retention AS
WITH
    multiIf({unit:String} = 'day', 1, {unit:String} = 'week', 7, 0) AS unit_days,
    toDate32(parseDateTime64BestEffort({until:String}, 3, {zone:String}) - toIntervalMillisecond(1), {zone:String}) AS last_day
SELECT
    {workspace:String} AS workspace,
    cohort,
    sizes.1 AS people,
    number,
    if(unit_days = 0, addMonths(cohort, number), cohort + number * unit_days) AS period,
    arraySum((at, count) -> if(at = number, count, 0), sizes.2.1, sizes.2.2) AS returned,
    returned / people AS share
FROM
(
    SELECT cohort, (count(), sumMap(numbers_, arrayMap(each -> toUInt64(1), numbers_))) AS sizes
    FROM
    (
        SELECT
            toDate32(fromUnixTimestamp64Milli(start.first_ms, 'UTC'), {zone:String}) AS first_day,
            multiIf(unit_days = 1, first_day, unit_days = 7, first_day - toDayOfWeek(first_day) + 1, first_day - toDayOfMonth(first_day) + 1) AS cohort,
            arrayMap(
                each -> toUInt32(if(unit_days = 0, dateDiff('month', cohort, each.1), intDiv(dateDiff('day', cohort, each.1), greatest(unit_days, 1)))),
                arrayFilter(each -> each.2 >= start.first_ms, after.periods)
            ) AS numbers_
        FROM
        (
            SELECT workspace, profile, toUnixTimestamp64Milli(first_seen) AS first_ms
            FROM {database}.people_seen(workspace = {workspace:String}, people = {people:String}, bots = {bots:String})
            WHERE {first:String} = 'any'
              AND first_seen >= parseDateTime64BestEffort({since:String}, 3, {zone:String}) AND first_seen < parseDateTime64BestEffort({until:String}, 3, {zone:String})
            UNION ALL
            SELECT workspace, profile, min(ms) AS first_ms
            FROM {database}.step_events(workspace = {workspace:String}, steps = [{first:String}], people = {people:String}, bots = {bots:String})
            WHERE {first:String} != 'any' AND timestamp < parseDateTime64BestEffort({until:String}, 3, {zone:String})
            GROUP BY workspace, profile
            HAVING first_ms >= toUnixTimestamp64Milli(parseDateTime64BestEffort({since:String}, 3, {zone:String}))
        ) AS start
        LEFT JOIN
        (
            SELECT workspace, profile, groupArray((period, last_ms)) AS periods
            FROM
            (
                SELECT workspace, profile, period, max(ms) AS last_ms
                FROM
                (
                    SELECT
                        workspace,
                        profile,
                        ms,
                        toDate32(timestamp, {zone:String}) AS day,
                        multiIf(unit_days = 1, day, unit_days = 7, day - toDayOfWeek(day) + 1, day - toDayOfMonth(day) + 1) AS period
                    FROM {database}.step_events(workspace = {workspace:String}, steps = [{again:String}], people = {people:String}, bots = {bots:String})
                    WHERE timestamp >= parseDateTime64BestEffort({since:String}, 3, {zone:String}) AND timestamp < parseDateTime64BestEffort({until:String}, 3, {zone:String})
                      AND (SELECT throwIf({unit:String} NOT IN ('day', 'week', 'month'), 'unit: day, week or month')) = 0
                )
                GROUP BY workspace, profile, period
            )
            GROUP BY workspace, profile
        ) AS after ON after.workspace = start.workspace AND after.profile = start.profile
    )
    GROUP BY cohort
)
ARRAY JOIN range(toUInt32(if(unit_days = 0, dateDiff('month', cohort, last_day), intDiv(dateDiff('day', cohort, last_day), greatest(unit_days, 1))) + 1)) AS number;

-- Whole profiles that are no more than a device or a lone event.
CREATE OR REPLACE VIEW {database}.anonymous_profiles AS
SELECT DISTINCT workspace, subject AS profile
FROM {database}.subjects
WHERE subject_type IN ('a', 'm') AND dictGetOrDefault('{database}.idr_root', 'root', subject, subject) = subject;

-- One row for each order and each touch of its buyer, on whichever device and also from before they were known, that came at most `lookback` before it;
-- one row of channel `direct` where there is none. Each model shares the order's net amount out to the last millionth: the sums of all four are the
-- orders' own. Orders that were cancelled or never reported as ordered are none; refunds are taken off; what no rate converts counts as 0.
--   upto  of each model, which part of the whole the touches up to this one have
CREATE OR REPLACE VIEW {database}.order_touches AS
WITH
    toInt64OrZero(substring({lookback:String}, 1, length({lookback:String}) - 1)) * multiIf({lookback:String} LIKE '%w', 604800000, {lookback:String} LIKE '%d', 86400000, {lookback:String} LIKE '%h', 3600000, {lookback:String} LIKE '%m', 60000, 1000) AS lookback_ms
SELECT
    workspace,
    order_id,
    message_id,
    profile_id,
    ordered_at,
    base_currency,
    net,
    toUInt32(place) AS number,
    touches,
    if(touches = 0, NULL, fromUnixTimestamp64Milli(each.1, 'UTC')) AS touched_at,
    each.2 AS visitor,
    each.3 AS session_id,
    each.4 AS touch,
    if(place = 1, 1., 0.) AS first_share,
    if(place = length(shown), 1., 0.) AS last_share,
    1 / length(shown) AS linear_share,
    weights[place] / arraySum(weights) AS position_share,
    toDecimal128(if(place = 1, micros, 0), 6) / 1000000 AS first_net,
    toDecimal128(if(place = length(shown), micros, 0), 6) / 1000000 AS last_net,
    toDecimal128(intDiv(micros * place, length(shown)) - intDiv(micros * (place - 1), length(shown)), 6) / 1000000 AS linear_net,
    toDecimal128(intDiv(micros * uptos[place], uptos[-1]) - intDiv(micros * (uptos[place] - weights[place]), uptos[-1]), 6) / 1000000 AS position_net
FROM
(
    SELECT
        bought.workspace AS workspace,
        bought.order_id AS order_id,
        bought.message_id AS message_id,
        bought.profile_id AS profile_id,
        bought.ordered_at AS ordered_at,
        bought.base_currency AS base_currency,
        ifNull(bought.net_base, toDecimal128(0, 6)) AS net,
        toInt128(toDecimal256(net, 6) * 1000000) AS micros,
        toUnixTimestamp64Milli(bought.ordered_at) AS ms,
        arrayFilter(each -> each.1 <= ms AND each.1 >= ms - lookback_ms, brought.journey) AS found,
        toUInt32(length(found)) AS touches,
        if(
            touches = 0,
            [CAST((0, 0, '', ('direct', '', '', '', '', '', '', '', '')), 'Tuple(Int64, UInt64, String, Tuple(channel String, source String, medium String, campaign String, term String, content String, click_kind String, click_id String, referrer String))')],
            found
        ) AS shown,
        arrayMap(
            place -> multiIf(length(shown) < 3, toInt128(1), place = 1 OR place = length(shown), toInt128(2 * (length(shown) - 2)), toInt128(1)),
            arrayEnumerate(shown)
        ) AS weights,
        arrayCumSum(weights) AS uptos
    FROM
    (
        SELECT *
        FROM {database}.orders
        WHERE workspace = {workspace:String} AND is_reported AND status != 'cancelled'
          AND ordered_at >= parseDateTime64BestEffort({since:String}, 3, {zone:String}) AND ordered_at < parseDateTime64BestEffort({until:String}, 3, {zone:String})
          AND (SELECT throwIf({people:String} NOT IN ('known', 'anonymous', 'any'), 'people: known, anonymous or any')) = 0
          AND (SELECT throwIf(length({lookback:String}) > 7 OR NOT match({lookback:String}, '^[1-9][0-9]*[smhdw]$'), 'lookback: a length of time such as 12h, 30d')) = 0
          AND ({people:String} = 'any' OR (profile IN (SELECT profile FROM {database}.anonymous_profiles WHERE workspace = {workspace:String})) = ({people:String} = 'anonymous'))
    ) AS bought
    LEFT JOIN
    (
        SELECT workspace, profile_id, arraySort(groupArray((toUnixTimestamp64Milli(timestamp), visitor, session_id, touch))) AS journey
        FROM {database}.touches_between(
            since = toTimeZone(parseDateTime64BestEffort({since:String}, 3, {zone:String}), 'UTC') - toIntervalMillisecond(toInt64OrZero(substring({lookback:String}, 1, length({lookback:String}) - 1)) * multiIf({lookback:String} LIKE '%w', 604800000, {lookback:String} LIKE '%d', 86400000, {lookback:String} LIKE '%h', 3600000, {lookback:String} LIKE '%m', 60000, 1000)),
            until = toTimeZone(parseDateTime64BestEffort({until:String}, 3, {zone:String}), 'UTC'))
        WHERE workspace = {workspace:String} AND visitor IN
        (
            SELECT visitor
            FROM {database}.people_events(workspace = {workspace:String}, people = 'any', bots = 'include')
            WHERE session_id != '' AND touch.channel != ''
              AND timestamp >= toTimeZone(parseDateTime64BestEffort({since:String}, 3, {zone:String}), 'UTC') - toIntervalMillisecond(lookback_ms)
              AND timestamp < parseDateTime64BestEffort({until:String}, 3, {zone:String})
              AND profile IN
              (
                  SELECT profile
                  FROM {database}.people_events(workspace = {workspace:String}, people = 'any', bots = 'include')
                  WHERE meaning.event IN ('Order Completed', 'Order Updated')
              )
        )
        GROUP BY workspace, profile_id
    ) AS brought ON brought.workspace = bought.workspace AND brought.profile_id = bought.profile_id
)
ARRAY JOIN shown AS each, arrayEnumerate(shown) AS place;

-- What each campaign brought by each model: orders as parts of orders, revenue in the workspace's currency after refunds.
CREATE OR REPLACE VIEW {database}.attribution AS
SELECT
    workspace,
    touch.channel AS channel,
    touch.source AS source,
    touch.medium AS medium,
    touch.campaign AS campaign,
    uniqExact((order_id, message_id)) AS orders_touched,
    uniqExact(profile_id) AS people,
    sum(first_share) AS first_orders,
    sum(last_share) AS last_orders,
    sum(linear_share) AS linear_orders,
    sum(position_share) AS position_orders,
    sum(first_net) AS first_revenue,
    sum(last_net) AS last_revenue,
    sum(linear_net) AS linear_revenue,
    sum(position_net) AS position_revenue,
    any(base_currency) AS currency
FROM {database}.order_touches(workspace = {workspace:String}, since = {since:String}, until = {until:String}, zone = {zone:String}, lookback = {lookback:String}, people = {people:String})
GROUP BY workspace, channel, source, medium, campaign;

-- Visits with the value that a report counts them by, also of those that began at most `lookback` before the range.
CREATE OR REPLACE VIEW {database}.visits_by AS
SELECT
    workspace,
    visitor,
    profile,
    toUnixTimestamp64Milli(started_at) AS at,
    is_bounce,
    page_views,
    duration_ms,
    multiIf(
        {by:String} = 'channel', touch.channel,
        {by:String} = 'campaign', arrayStringConcat([touch.channel, touch.source, touch.medium, touch.campaign], ' / '),
        {by:String} = 'device', device,
        {by:String} = 'country', country,
        {by:String} = 'landing_page', landing_page,
        {by:String} = 'day', toString(toDate32(started_at, {zone:String})),
        ''
    ) AS value
FROM {database}.sessions_between(
    since = toTimeZone(parseDateTime64BestEffort({since:String}, 3, {zone:String}), 'UTC') - toIntervalMillisecond(toInt64OrZero(substring({lookback:String}, 1, length({lookback:String}) - 1)) * multiIf({lookback:String} LIKE '%w', 604800000, {lookback:String} LIKE '%d', 86400000, {lookback:String} LIKE '%h', 3600000, {lookback:String} LIKE '%m', 60000, 1000)),
    until = toTimeZone(parseDateTime64BestEffort({until:String}, 3, {zone:String}), 'UTC'))
WHERE workspace = {workspace:String}
  AND (SELECT throwIf({by:String} NOT IN ('none', 'channel', 'campaign', 'device', 'country', 'landing_page', 'day'), 'by: none, channel, campaign, device, country, landing_page or day')) = 0
  AND (SELECT throwIf({people:String} NOT IN ('known', 'anonymous', 'any'), 'people: known, anonymous or any')) = 0
  AND (SELECT throwIf({bots:String} NOT IN ('exclude', 'include', 'only'), 'bots: exclude, include or only')) = 0
  AND ({bots:String} = 'include' OR (device = 'bot') = ({bots:String} = 'only'))
  AND ({people:String} = 'any' OR (profile IN (SELECT profile FROM {database}.anonymous_profiles WHERE workspace = {workspace:String})) = ({people:String} = 'anonymous'));

-- Visits that begin in the range, by channel, campaign, device, country, landing page or day; and the orders of the range, each with the last visit of its
-- buyer that began before it, at most `lookback` before the range (none: the value is empty).
--   visits, bought  of each profile: (ms, visitor, value, is_bounce, page_views, duration_ms, orders, revenue)
CREATE OR REPLACE VIEW {database}.visit_statistics AS
WITH
    toUnixTimestamp64Milli(parseDateTime64BestEffort({since:String}, 3, {zone:String})) AS since_ms
SELECT
    {workspace:String} AS workspace,
    row.3 AS value,
    countIf(row.7 = 0) AS visits,
    uniqExactIf(row.2, row.7 = 0) AS visitors,
    uniqExactIf(profile, row.7 = 0) AS people,
    sum(row.4) AS bounces,
    if(visits = 0, NULL, bounces / visits) AS bounce_rate,
    sum(row.5) AS page_views,
    if(visits = 0, NULL, page_views / visits) AS pages_per_visit,
    if(visits = 0, NULL, quantileExactIf(0.5)(row.6, row.7 = 0) / 1000) AS median_seconds,
    sum(row.7) AS orders,
    sum(row.8) AS revenue,
    if(visits = 0, NULL, orders / visits) AS orders_per_visit
FROM
(
    SELECT
        profile,
        arraySort(groupArrayIf(part, part.7 = 0)) AS all_visits,
        groupArrayIf(part, part.7 = 1) AS bought,
        arrayConcat(
            arrayFilter(visit -> visit.1 >= since_ms, all_visits),
            arrayMap(
                order -> (order.1, toUInt64(0), arrayLast(visit -> visit.1 <= order.1, all_visits).3, toUInt8(0), toUInt64(0), toInt64(0), toUInt8(1), order.8),
                bought
            )
        ) AS rows_
    FROM
    (
        SELECT profile, (at, visitor, value, toUInt8(is_bounce), toUInt64(page_views), toInt64(duration_ms), toUInt8(0), toDecimal128(0, 6)) AS part
        FROM {database}.visits_by(workspace = {workspace:String}, since = {since:String}, until = {until:String}, zone = {zone:String}, lookback = {lookback:String}, by = {by:String}, people = {people:String}, bots = {bots:String})
        WHERE (SELECT throwIf(length({lookback:String}) > 7 OR NOT match({lookback:String}, '^[1-9][0-9]*[smhdw]$'), 'lookback: a length of time such as 12h, 30d')) = 0
        UNION ALL
        SELECT profile, (toUnixTimestamp64Milli(ordered_at), toUInt64(0), '', toUInt8(0), toUInt64(0), toInt64(0), toUInt8(1), ifNull(net_base, toDecimal128(0, 6)))
        FROM {database}.orders
        WHERE workspace = {workspace:String} AND is_reported AND status != 'cancelled'
          AND ordered_at >= parseDateTime64BestEffort({since:String}, 3, {zone:String}) AND ordered_at < parseDateTime64BestEffort({until:String}, 3, {zone:String})
          AND ({people:String} = 'any' OR (profile IN (SELECT profile FROM {database}.anonymous_profiles WHERE workspace = {workspace:String})) = ({people:String} = 'anonymous'))
    )
    GROUP BY profile
)
ARRAY JOIN rows_ AS row
GROUP BY value;

-- What people are worth who ordered first in a period, or were first seen in it, by what first brought them: their orders in that period, the next and so
-- on until the range ends, and up to each.
CREATE OR REPLACE VIEW {database}.cohort_value AS
WITH
    multiIf({unit:String} = 'day', 1, {unit:String} = 'week', 7, 0) AS unit_days,
    toDate32(parseDateTime64BestEffort({until:String}, 3, {zone:String}) - toIntervalMillisecond(1), {zone:String}) AS last_day
SELECT
    {workspace:String} AS workspace,
    cohort,
    value AS channel,
    number,
    if(unit_days = 0, addMonths(cohort, number), cohort + number * unit_days) AS period,
    members AS people,
    toUInt64(arrayCount(each -> each.1 = number, bought)) AS orders,
    arraySum(each -> if(each.1 = number, each.2, toDecimal128(0, 6)), bought) AS revenue,
    arraySum(each -> if(each.1 <= number, each.2, toDecimal128(0, 6)), bought) AS revenue_to_date,
    toFloat64(revenue_to_date) / people AS value_per_person
FROM
(
    SELECT cohort, value, count() AS members, arrayFlatten([groupArrayArray(bought_)]) AS bought
    FROM
    (
        SELECT
            toDate32(fromUnixTimestamp64Milli(member.first_ms, 'UTC'), {zone:String}) AS first_day,
            multiIf(unit_days = 1, first_day, unit_days = 7, first_day - toDayOfWeek(first_day) + 1, first_day - toDayOfMonth(first_day) + 1) AS cohort,
            if({by:String} = 'channel', if(brought.channel = '', 'direct', brought.channel), '') AS value,
            arrayMap(
                each -> (
                    toUInt32(greatest(0, if(
                        unit_days = 0,
                        dateDiff('month', cohort, toDate32(fromUnixTimestamp64Milli(each.1, 'UTC'), {zone:String})),
                        intDiv(dateDiff('day', cohort, toDate32(fromUnixTimestamp64Milli(each.1, 'UTC'), {zone:String})), greatest(unit_days, 1))
                    ))),
                    each.2
                ),
                member.purchases
            ) AS bought_
        FROM
        (
            SELECT
                workspace,
                profile,
                min(part_ms) AS first_ms,
                groupArrayArray(part_purchases) AS purchases
            FROM
            (
                SELECT
                    workspace,
                    profile,
                    if({cohort:String} = 'order', toUnixTimestamp64Milli(ordered_at), toInt64(9000000000000000000)) AS part_ms,
                    [(toUnixTimestamp64Milli(ordered_at), ifNull(net_base, toDecimal128(0, 6)))] AS part_purchases
                FROM {database}.orders
                WHERE workspace = {workspace:String} AND is_reported AND status != 'cancelled'
                  AND ordered_at < parseDateTime64BestEffort({until:String}, 3, {zone:String})
                UNION ALL
                SELECT workspace, profile, toUnixTimestamp64Milli(first_seen), []
                FROM {database}.people_seen(workspace = {workspace:String}, people = {people:String}, bots = {bots:String})
                WHERE {cohort:String} = 'seen'
            )
            GROUP BY workspace, profile
            HAVING first_ms >= toUnixTimestamp64Milli(parseDateTime64BestEffort({since:String}, 3, {zone:String}))
               AND first_ms < toUnixTimestamp64Milli(parseDateTime64BestEffort({until:String}, 3, {zone:String}))
               AND (SELECT throwIf({unit:String} NOT IN ('day', 'week', 'month'), 'unit: day, week or month')) = 0
               AND (SELECT throwIf({cohort:String} NOT IN ('order', 'seen'), 'cohort: order or seen')) = 0
               AND (SELECT throwIf({by:String} NOT IN ('none', 'channel'), 'by: none or channel')) = 0
               AND ({cohort:String} = 'seen' OR {people:String} = 'any' OR (profile IN (SELECT profile FROM {database}.anonymous_profiles WHERE workspace = {workspace:String})) = ({people:String} = 'anonymous'))
        ) AS member
        LEFT JOIN
        (
            SELECT workspace, reinterpretAsUInt64(reverse(unhex(profile_id))) AS profile, min((timestamp, visitor, touch.channel)).3 AS channel
            FROM {database}.touches_between(since = '1970-01-01 00:00:00', until = toTimeZone(parseDateTime64BestEffort({until:String}, 3, {zone:String}), 'UTC'))
            WHERE {by:String} = 'channel' AND workspace = {workspace:String} AND ({cohort:String} = 'seen' OR visitor IN
            (
                SELECT visitor
                FROM {database}.people_events(workspace = {workspace:String}, people = 'any', bots = 'include')
                WHERE session_id != '' AND touch.channel != '' AND profile IN
                (
                    SELECT profile
                    FROM {database}.people_events(workspace = {workspace:String}, people = 'any', bots = 'include')
                    WHERE meaning.event IN ('Order Completed', 'Order Updated')
                )
            ))
            GROUP BY workspace, profile
        ) AS brought ON brought.workspace = member.workspace AND brought.profile = member.profile
    )
    GROUP BY cohort, value
)
ARRAY JOIN range(toUInt32(if(unit_days = 0, dateDiff('month', cohort, last_day), intDiv(dateDiff('day', cohort, last_day), greatest(unit_days, 1))) + 1)) AS number;
