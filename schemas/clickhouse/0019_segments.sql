-- Who belongs to which segment, since when and why: the definitions as they were, the runs that worked membership out, and every change.
--
-- A run (console/refresh.py) writes what it intends, then its changes, then one row that seals them. Nothing is read of an attempt that was
-- not sealed, and of several sealed attempts of one run only of the last: so a run that was cut off anywhere leaves no trace. All tables
-- but scratch paper are append-only, and their times are the run's, none the server's.

-- Every version of every definition, as it stood on `control`; `updated_at` is when it was noticed. A version is another one too when a
-- segment that it uses was edited.
CREATE TABLE IF NOT EXISTS {database}.segment_versions
(
    workspace LowCardinality(String),
    segment LowCardinality(String),
    version String,
    definition String CODEC(ZSTD(1)),
    is_deleted UInt8,
    updated_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (workspace, segment, updated_at);

-- One row for each step of each attempt. `instant` is T: everything is asked as of it. `stored` is K, by partition of events.raw the offset
-- below which every event was in the tables. `results` stands in the sealing row: one for each segment, `good_at` the T of the last run
-- that could work it out, `drift` changes that no arrival, no change of identity and no passing of time explains.
CREATE TABLE IF NOT EXISTS {database}.segment_runs
(
    run UInt64,
    attempt UInt32,
    step Enum8('begun' = 1, 'sealed' = 2, 'published' = 3, 'failed' = 4),
    is_full UInt8,
    instant DateTime64(3, 'UTC'),
    stored Map(Int32, Int64),
    lists Map(String, UInt64),
    period_s UInt32,
    people UInt64,
    touched UInt64,
    full_at DateTime64(3, 'UTC'),
    results Array(Tuple(workspace String, segment String, version String, members UInt64, entered UInt64, gone UInt64, drift UInt64, error String, good_at DateTime64(3, 'UTC'))),
    error String,
    written_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (run, attempt, step);

-- Attempts whose rows do not count.
CREATE OR REPLACE VIEW {database}.segment_void_attempts AS
SELECT run, arrayJoin(arrayFilter(attempt -> attempt != kept, attempts)) AS attempt
FROM
(
    SELECT run, groupUniqArray(attempt) AS attempts, maxIf(attempt, step = 'sealed') AS kept
    FROM {database}.segment_runs
    GROUP BY run
);

-- `seq` grows by one with each change of one profile in one segment, whatever the version.
CREATE TABLE IF NOT EXISTS {database}.segment_changes
(
    workspace LowCardinality(String),
    segment LowCardinality(String),
    profile UInt64 CODEC(ZSTD(1)),
    seq UInt32,
    version LowCardinality(String),
    change Enum8('leave' = 0, 'enter' = 1),
    reason LowCardinality(String),
    observed_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    effective_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    run UInt64,
    attempt UInt32,
    INDEX by_profile profile TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = MergeTree
ORDER BY (workspace, segment, profile, seq);

-- Whom a run has to look at again, and why (segment '': any), and all that is stored of them. Scratch paper, thrown away after a few days;
-- node ids are one workspace's alone.
CREATE TABLE IF NOT EXISTS {database}.segment_touched
(
    run UInt64,
    attempt UInt32,
    profile UInt64 CODEC(ZSTD(1)),
    why Enum8('data' = 1, 'time' = 2, 'identity' = 3, 'forgotten' = 4),
    segment LowCardinality(String),
    effective_at DateTime64(3, 'UTC'),
    written_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (run, attempt, profile)
TTL toDateTime(written_at) + INTERVAL 3 DAY;

CREATE TABLE IF NOT EXISTS {database}.segment_subjects
(
    run UInt64,
    attempt UInt32,
    subject UInt64 CODEC(ZSTD(1)),
    written_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (run, attempt, subject)
TTL toDateTime(written_at) + INTERVAL 3 DAY;

-- Whose each identifier's events were when a run looked, where they are not all its own: the owners, and a hash of them with their times;
-- `were`: the owners before. What differs from it now is what has changed, whatever the order in which pointers arrived.
CREATE TABLE IF NOT EXISTS {database}.segment_owners
(
    node UInt64 CODEC(ZSTD(1)),
    were Array(UInt64) CODEC(ZSTD(1)),
    profiles Array(UInt64) CODEC(ZSTD(1)),
    owners_hash UInt64 CODEC(ZSTD(1)),
    run UInt64,
    attempt UInt32
)
ENGINE = MergeTree
ORDER BY (node, run);

-- Whom `stitchline forget` has erased; rows go when the next run has told of it and has taken the history away.
CREATE TABLE IF NOT EXISTS {database}.segment_forgotten
(
    profile UInt64,
    forgotten_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (profile, forgotten_at);

-- Whoever is or was a member, by the last change: `left_at` is NULL as long as they are one. Both times are a run's T; `effective_at` is when
-- what the last change came from happened: the event, or the moment at which a window passed it.
CREATE OR REPLACE VIEW {database}.segment_members AS
SELECT
    workspace,
    segment,
    profile,
    lower(leftPad(hex(profile), 16, '0')) AS profile_id,
    maxIf(changes.observed_at, changes.change = 'enter') AS entered_at,
    if(argMax(changes.change, changes.seq) = 'leave', max(changes.observed_at), NULL) AS left_at,
    argMax(changes.reason, changes.seq) AS reason,
    max(changes.observed_at) AS observed_at,
    argMax(changes.effective_at, changes.seq) AS effective_at,
    argMax(changes.version, changes.seq) AS version,
    max(changes.seq) AS seq
FROM {database}.segment_changes AS changes
WHERE (run, attempt) NOT IN (SELECT run, attempt FROM {database}.segment_void_attempts)
GROUP BY workspace, segment, profile;

-- Every stay from its beginning to its end.
CREATE OR REPLACE VIEW {database}.segment_stays AS
SELECT
    workspace,
    segment,
    profile,
    lower(leftPad(hex(profile), 16, '0')) AS profile_id,
    observed_at AS entered_at,
    effective_at AS entered_effective_at,
    reason AS entered_reason,
    if(next.1 = 0, NULL, next.2) AS left_at,
    if(next.1 = 0, NULL, next.3) AS left_effective_at,
    next.4 AS left_reason
FROM
(
    SELECT
        *,
        leadInFrame((seq, observed_at, effective_at, toString(reason))) OVER (PARTITION BY workspace, segment, profile ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS next
    FROM {database}.segment_changes
    WHERE (run, attempt) NOT IN (SELECT run, attempt FROM {database}.segment_void_attempts)
)
WHERE change = 'enter';

-- How each segment that is defined stands. `live`: worked out within two periods. `refreshing`: a run is on its way, or none has been yet.
-- `late`: none for longer. `failed`: the last one could not; `reason` says why, and its members are those of `good_at`.
CREATE OR REPLACE VIEW {database}.segment_states AS
WITH
    (SELECT (max(run), argMax(period_s, run)) FROM {database}.segment_runs WHERE step = 'begun') AS latest,
    (SELECT max(run) FROM {database}.segment_runs WHERE step = 'sealed') AS sealed,
    (SELECT argMax(if(step = 'failed', runs.error, ''), (attempt, step)) FROM {database}.segment_runs AS runs WHERE run = latest.1) AS failure
SELECT
    defined.workspace AS workspace,
    defined.segment AS segment,
    multiIf(
        found.error != '' OR failure != '', 'failed',
        isNull(good_at), 'refreshing',
        now64(3, 'UTC') > good_at + toIntervalSecond(2 * latest.2), 'late',
        latest.1 != sealed, 'refreshing',
        'live'
    ) AS state,
    multiIf(
        found.error != '', found.error,
        failure != '', failure,
        isNull(good_at), 'not worked out yet',
        state = 'late', concat('not worked out since ', toString(good_at)),
        ''
    ) AS reason,
    if(found.segment = '' OR toUnixTimestamp64Milli(found.good_at) = 0, NULL, found.good_at) AS good_at,
    found.members AS size,
    defined.version AS version,
    found.version AS good_version,
    found.drift AS drift
FROM
(
    SELECT workspace, segment, argMax(versions.version, updated_at) AS version
    FROM {database}.segment_versions AS versions
    GROUP BY workspace, segment
    HAVING NOT argMax(is_deleted, updated_at)
) AS defined
LEFT JOIN
(
    SELECT each.workspace AS workspace, each.segment AS segment, each.version AS version, each.members AS members, each.error AS error, each.good_at AS good_at, each.drift AS drift
    FROM {database}.segment_runs
    ARRAY JOIN results AS each
    WHERE run = sealed AND step = 'sealed' AND (run, attempt) NOT IN (SELECT run, attempt FROM {database}.segment_void_attempts)
) AS found ON found.workspace = defined.workspace AND found.segment = defined.segment;
