-- Sessions and touches, worked out from event times and from what each event itself says of its visitor's arrival: the same answer whatever
-- order events came in. What is stamped on an event (`session_id`, `visit`) was the best knowledge when it passed; this has the last word.
-- The rules are those of processors/visits.py and processors/arrivals.py; docs/sessions.md says them in words.
--
-- An event takes part when its stamped `session_id` is not empty: that depends on the event alone.

-- Written by `migrate` from the settings when they have changed; the latest row holds for events of all times.
CREATE TABLE IF NOT EXISTS {database}.session_rules
(
    timeout_ms Int64,
    new_on_campaign Bool,
    midnight_zone String,
    set_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY set_at;

-- The moments of visitors, and in which session each lies. Arrays per visitor are fifteen times faster than window functions over events.
-- A day more than asked is read on both sides, so that a session is known that goes on over them.
--   seen      every event: ms, whether it says nothing of an arrival, hashes of its origin and referrer (CRC32, as in the stamps), is it weak
--   moments   the first of each millisecond: of what says something, the one with the smallest hashes
--   hard      no session goes on here: silence before, or midnight of the zone
--   before_.. the touch before, in the same stay;  strong: the origin of the session so far, 0 when that is weak
CREATE OR REPLACE VIEW {database}.session_moments_between AS
WITH
    assumeNotNull((SELECT if(count() = 0, 1800000, argMax(timeout_ms, set_at)) FROM {database}.session_rules)) AS timeout,
    assumeNotNull((SELECT if(count() = 0, true, argMax(new_on_campaign, set_at)) FROM {database}.session_rules)) AS on_campaign,
    assumeNotNull((SELECT argMax(midnight_zone, set_at) FROM {database}.session_rules)) AS zone
SELECT workspace, visitor, moment.1 AS ms, moment.2 AS started_ms, moment.3 AS arrives
FROM
(
    SELECT
        workspace,
        visitor,
        arraySort(groupArray((ms, origin = 0, origin, referrer, is_weak))) AS seen,
        arrayFilter((event, before) -> event.1 != before, seen, arrayPushFront(arrayPopBack(seen.1), -1)) AS moments,
        moments.1 AS times,
        moments.3 AS origins,
        moments.4 AS referrers,
        moments.5 AS weak,
        arrayMap(time -> if(zone = '', 0, toInt32(toDate32(fromUnixTimestamp64Milli(time, if(zone = '', 'UTC', zone))))), times) AS days,
        arrayMap((at, silence, days_on) -> at = 1 OR silence > timeout OR days_on != 0, arrayEnumerate(times), arrayDifference(times), arrayDifference(days)) AS hard,
        arrayMap((origin, cut) -> origin != 0 OR cut, origins, hard) AS told,
        arrayPushFront(arrayPopBack(arrayFill((origin, is_told) -> is_told, origins, told)), 0) AS before_origins,
        arrayPushFront(arrayPopBack(arrayFill((referrer, is_told) -> is_told, referrers, told)), 0) AS before_referrers,
        arrayMap(
            (is_weak, cut, origin, before_origin, referrer, before_referrer) -> is_weak AND (cut OR (origin != before_origin AND referrer != before_referrer)),
            weak, hard, origins, before_origins, referrers, before_referrers
        ) AS weak_arrivals,
        arrayMap((origin, is_weak, arrives, cut) -> (origin != 0 AND NOT is_weak) OR arrives OR cut, origins, weak, weak_arrivals, hard) AS decided,
        arrayPushFront(arrayPopBack(arrayFill((origin, is_decided) -> is_decided, arrayMap((origin, is_weak) -> if(is_weak, 0, origin), origins, weak), decided)), 0) AS strong,
        arrayMap(
            (origin, is_weak, arrives, cut, before) -> origin != 0 AND if(is_weak, arrives, cut OR origin != before),
            origins, weak, weak_arrivals, hard, strong
        ) AS arrivals,
        arrayFill((time, cut, arrives) -> cut OR (arrives AND on_campaign), times, hard, arrivals) AS started
    FROM
    (
        SELECT
            workspace,
            visitor,
            toUnixTimestamp64Milli(timestamp) AS ms,
            if(touch.channel = '', 0, greatest(1, CRC32(concat(touch.source, '\0', touch.medium, '\0', touch.campaign, '\0', touch.click_id)))) AS origin,
            if(touch.referrer = '', 0, greatest(1, CRC32(touch.referrer))) AS referrer,
            touch.channel != '' AND touch.campaign = '' AND touch.click_id = '' AND touch.referrer != '' AS is_weak
        FROM {database}.events
        WHERE session_id != ''
          AND timestamp >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
          AND timestamp < {until:DateTime64(3, 'UTC')} + INTERVAL 1 DAY
    )
    GROUP BY workspace, visitor
)
ARRAY JOIN arrayZip(times, started, arrivals) AS moment;

-- The session of each event, of those from `since` (inclusive) to `until` (exclusive) that take part in one.
CREATE OR REPLACE VIEW {database}.event_sessions_between AS
SELECT
    event.workspace AS workspace,
    event.message_id AS message_id,
    event.timestamp AS timestamp,
    event.visitor AS visitor,
    concat(lower(leftPad(hex(event.visitor), 16, '0')), '-', if(start.ms = 0, '0', lower(trimLeft(hex(start.ms), '0')))) AS session_id,
    fromUnixTimestamp64Milli(start.ms, 'UTC') AS started_at
FROM
(
    SELECT workspace, message_id, timestamp, visitor, toUnixTimestamp64Milli(timestamp) AS ms
    FROM {database}.events
    WHERE session_id != '' AND timestamp >= {since:DateTime64(3, 'UTC')} AND timestamp < {until:DateTime64(3, 'UTC')}
) AS event
ASOF JOIN
(
    SELECT workspace, visitor, ms
    FROM {database}.session_moments_between(since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')})
    WHERE ms = started_ms
) AS start ON event.workspace = start.workspace AND event.visitor = start.visitor AND event.ms >= start.ms;

CREATE OR REPLACE VIEW {database}.event_sessions AS
SELECT * FROM {database}.event_sessions_between(since = '1970-01-01 00:00:00', until = '2200-01-02 00:00:00');

-- Sessions that begin from `since` (inclusive) to `until` (exclusive). Pages are without query and fragment; a screen's is its name. The touch is
-- the first that an event of the session tells, else of channel `direct`. A bounce is one page, screen or track call and no more.
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
        min((event.ms, event.subject)).2 AS subject,
        countIf(event.type IN ('page', 'screen')) AS page_views,
        countIf(event.type IN ('page', 'screen', 'track')) AS interactions,
        count() AS events,
        minIf((event.ms, event.at_page), event.at_page != '').2 AS landing_page,
        maxIf((event.ms, event.at_page), event.at_page != '').2 AS exit_page,
        CAST(minIf((event.ms, event.origin, event.referrer, event.touch), event.touch.channel != '').4, 'Tuple(channel String, source String, medium String, campaign String, term String, content String, click_kind String, click_id String, referrer String)') AS touch,
        minIf((event.ms, event.device_kind), event.device_kind != '').2 AS device,
        minIf((event.ms, event.country_code), event.country_code != '').2 AS country
    FROM
    (
        SELECT
            workspace,
            visitor,
            subject,
            type,
            touch,
            toUnixTimestamp64Milli(timestamp) AS ms,
            if(touch.channel = '', 0, greatest(1, CRC32(concat(touch.source, '\0', touch.medium, '\0', touch.campaign, '\0', touch.click_id)))) AS origin,
            if(touch.referrer = '', 0, greatest(1, CRC32(touch.referrer))) AS referrer,
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

-- Of all times, and counted: the visitor's first session is number 1, and the profile's.
CREATE OR REPLACE VIEW {database}.sessions AS
SELECT
    * EXCEPT (owner, profile),
    row_number() OVER (PARTITION BY workspace, visitor ORDER BY started_at) AS number,
    row_number() OVER (PARTITION BY workspace, profile_id ORDER BY started_at, visitor) AS profile_number
FROM {database}.sessions_between(since = '1970-01-01 00:00:00', until = '2200-01-02 00:00:00');

-- Every arrival that something is known of, with the profile of now: what brought people, in which order.
CREATE OR REPLACE VIEW {database}.touches_between AS
SELECT
    workspace,
    dictGetOrDefault('{database}.idr_segment', 'owner', subject, ms, subject) AS owner,
    lower(leftPad(hex(dictGetOrDefault('{database}.idr_root', 'root', owner, owner)), 16, '0')) AS profile_id,
    visitor,
    concat(lower(leftPad(hex(visitor), 16, '0')), '-', if(started_ms = 0, '0', lower(trimLeft(hex(started_ms), '0')))) AS session_id,
    fromUnixTimestamp64Milli(ms, 'UTC') AS timestamp,
    touch
FROM
(
    SELECT
        event.workspace AS workspace,
        event.visitor AS visitor,
        event.ms AS ms,
        any(moment.started_ms) AS started_ms,
        min((event.origin, event.referrer, event.subject)).3 AS subject,
        CAST(min((event.origin, event.referrer, event.touch)).3, 'Tuple(channel String, source String, medium String, campaign String, term String, content String, click_kind String, click_id String, referrer String)') AS touch
    FROM
    (
        SELECT
            workspace,
            visitor,
            subject,
            touch,
            toUnixTimestamp64Milli(timestamp) AS ms,
            greatest(1, CRC32(concat(touch.source, '\0', touch.medium, '\0', touch.campaign, '\0', touch.click_id))) AS origin,
            if(touch.referrer = '', 0, greatest(1, CRC32(touch.referrer))) AS referrer
        FROM {database}.events
        WHERE session_id != '' AND touch.channel != '' AND timestamp >= {since:DateTime64(3, 'UTC')} AND timestamp < {until:DateTime64(3, 'UTC')}
    ) AS event
    JOIN
    (
        SELECT workspace, visitor, ms, started_ms
        FROM {database}.session_moments_between(since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')})
        WHERE arrives
    ) AS moment ON event.workspace = moment.workspace AND event.visitor = moment.visitor AND event.ms = moment.ms
    GROUP BY workspace, visitor, ms
);

CREATE OR REPLACE VIEW {database}.touches AS
SELECT * EXCEPT owner, row_number() OVER (PARTITION BY workspace, profile_id ORDER BY timestamp, visitor) AS number
FROM {database}.touches_between(since = '1970-01-01 00:00:00', until = '2200-01-02 00:00:00');

CREATE OR REPLACE VIEW {database}.first_touch AS
SELECT workspace, profile_id, min((timestamp, visitor, touch)).3 AS touch, min(timestamp) AS touched_at
FROM {database}.touches_between(since = '1970-01-01 00:00:00', until = '2200-01-02 00:00:00')
GROUP BY workspace, profile_id;

CREATE OR REPLACE VIEW {database}.last_touch AS
SELECT workspace, profile_id, max((timestamp, visitor, touch)).3 AS touch, max(timestamp) AS touched_at
FROM {database}.touches_between(since = '1970-01-01 00:00:00', until = '2200-01-02 00:00:00')
GROUP BY workspace, profile_id;

-- How long people were signed in, by session: from a login to the next logout of that visitor, and only while a session lasts. Who is signed in says
-- the event itself, its subject's profile. Before the first of such events a visitor counts as signed in when that is a logout. They may come
-- from a server, which takes no part in the session. Names: LOGIN_EVENTS and LOGOUT_EVENTS of processors/facts.py, in any case.
--   points   the visitor's events: ms, mark (-1 none, 0 logout, 1 login: of one millisecond the login has the last word), session, subject
--   marks_   the mark that holds from each point on, the next one before the first;  held: is somebody signed in from here
CREATE OR REPLACE VIEW {database}.signed_in AS
WITH
    marks AS
    (
        SELECT workspace, visitor, toUnixTimestamp64Milli(timestamp) AS ms, toInt8(lower(event) NOT IN ('logged out', 'logout', 'signed out', 'user signed out')) AS mark, subject
        FROM {database}.events
        WHERE type = 'track' AND visitor != 0
          AND lower(event) IN ('logged in', 'login', 'signed in', 'user logged in', 'user signed in', 'logged out', 'logout', 'signed out', 'user signed out')
    )
SELECT
    workspace,
    dictGetOrDefault('{database}.idr_segment', 'owner', span.5, span.1, span.5) AS owner,
    lower(leftPad(hex(dictGetOrDefault('{database}.idr_root', 'root', owner, owner)), 16, '0')) AS profile_id,
    visitor,
    concat(lower(leftPad(hex(visitor), 16, '0')), '-', if(span.3 = 0, '0', lower(trimLeft(hex(span.3), '0')))) AS session_id,
    fromUnixTimestamp64Milli(span.3, 'UTC') AS started_at,
    sum(span.2 - span.1) AS signed_in_ms
FROM
(
    SELECT
        workspace,
        visitor,
        arraySort(groupArray((ms, mark, started_ms, subject))) AS points,
        points.1 AS times,
        arrayFill(mark -> mark >= 0, points.2) AS marks_before,
        arrayReverseFill(mark -> mark >= 0, points.2) AS marks_after,
        arrayMap((before, after) -> if(before >= 0, before = 1, after = 0), marks_before, marks_after) AS held,
        arrayMap(
            (before, who_before, who_after) -> if(before >= 0, who_before, who_after),
            marks_before,
            arrayFill((who, mark) -> mark >= 0, points.4, points.2),
            arrayReverseFill((who, mark) -> mark >= 0, points.4, points.2)
        ) AS who,
        arrayFill(start -> start >= 0, points.3) AS starts,
        arrayReverseFill(start -> start >= 0, points.3) AS next_starts,
        arrayFilter(
            span -> span.6 AND span.3 >= 0 AND span.3 = span.4,
            arrayZip(arrayPopBack(times), arrayPopFront(times), arrayPopBack(starts), arrayPopFront(next_starts), arrayPopBack(who), arrayPopBack(held))
        ) AS spans
    FROM
    (
        SELECT workspace, visitor, ms, toInt8(-1) AS mark, started_ms, toUInt64(0) AS subject
        FROM {database}.session_moments_between(since = '1970-01-01 00:00:00', until = '2200-01-02 00:00:00')
        WHERE visitor IN (SELECT visitor FROM marks)
        UNION ALL
        SELECT workspace, visitor, ms, mark, toInt64(-1), subject FROM marks
    )
    GROUP BY workspace, visitor
)
ARRAY JOIN spans AS span
GROUP BY workspace, owner, visitor, span.3
HAVING signed_in_ms > 0;
