-- Firings of rules and the attempts to deliver them (docs/rules.md): every state that a firing came to and every attempt, each once.

CREATE TABLE IF NOT EXISTS {database}.firings_in
(
    firing_id String,
    workspace LowCardinality(String),
    rule LowCardinality(String),
    rule_version LowCardinality(String),
    level LowCardinality(String),
    trigger LowCardinality(String),
    action LowCardinality(String),
    destination LowCardinality(String),
    state LowCardinality(String),
    reason LowCardinality(String),
    seq UInt32,
    subject UInt64,
    profile UInt64,
    occurrence String,
    message_id String,
    occurred_at DateTime64(3, 'UTC'),
    at DateTime64(3, 'UTC'),
    attempts UInt32
)
ENGINE = Null;

-- One row for each state of each firing. Ids are hashes, so a rule's rows lie together and one firing is found by the index.
CREATE TABLE IF NOT EXISTS {database}.firing_states
(
    workspace LowCardinality(String),
    rule LowCardinality(String),
    firing_id String CODEC(ZSTD(1)),
    seq UInt32,
    rule_version LowCardinality(String),
    level LowCardinality(String),
    trigger LowCardinality(String),
    action LowCardinality(String),
    destination LowCardinality(String),
    state LowCardinality(String),
    reason LowCardinality(String),
    subject UInt64 CODEC(ZSTD(1)),
    profile UInt64 CODEC(ZSTD(1)),
    occurrence String CODEC(ZSTD(1)),
    message_id String CODEC(ZSTD(1)),
    occurred_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    attempts UInt32,
    INDEX by_firing firing_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_subject subject TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, rule, firing_id, seq)
SETTINGS non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.firings_mv TO {database}.firing_states AS
SELECT * FROM {database}.firings_in;

CREATE TABLE IF NOT EXISTS {database}.deliveries_in
(
    firing_id String,
    attempt UInt32,
    workspace LowCardinality(String),
    rule LowCardinality(String),
    rule_version LowCardinality(String),
    action LowCardinality(String),
    destination LowCardinality(String),
    subject UInt64,
    outcome LowCardinality(String),
    status UInt32,
    error String,
    answer String,
    started_at DateTime64(3, 'UTC'),
    took_ms UInt64,
    next_at DateTime64(3, 'UTC')
)
ENGINE = Null;

CREATE TABLE IF NOT EXISTS {database}.delivery_attempts
(
    workspace LowCardinality(String),
    rule LowCardinality(String),
    firing_id String CODEC(ZSTD(1)),
    attempt UInt32,
    rule_version LowCardinality(String),
    action LowCardinality(String),
    destination LowCardinality(String),
    subject UInt64 CODEC(ZSTD(1)),
    outcome LowCardinality(String),
    status UInt32 CODEC(ZSTD(1)),
    error String CODEC(ZSTD(1)),
    answer String CODEC(ZSTD(1)),
    started_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    took_ms UInt64 CODEC(ZSTD(1)),
    next_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    INDEX by_firing firing_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_subject subject TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, rule, firing_id, attempt)
SETTINGS non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.deliveries_mv TO {database}.delivery_attempts AS
SELECT * FROM {database}.deliveries_in;

-- One row for each firing, as it stands: the state with the greatest `seq`. Whose it is, is asked of identity as of now; `fired_profile` is who it was
-- taken for when it was confirmed, which is final.
CREATE OR REPLACE VIEW {database}.firings AS
SELECT
    workspace,
    firing_id,
    rule,
    last.rule_version AS rule_version,
    last.level AS level,
    last.trigger AS trigger,
    last.action AS action,
    last.destination AS destination,
    last.state AS state,
    last.reason AS reason,
    last.attempts AS attempts,
    last.subject AS subject,
    dictGetOrDefault('{database}.idr_segment', 'owner', subject, toUnixTimestamp64Milli(occurred_at), subject) AS owner,
    dictGetOrDefault('{database}.idr_root', 'root', owner, owner) AS profile,
    if(profile = 0, '', lower(leftPad(hex(profile), 16, '0'))) AS profile_id,
    last.profile AS fired_profile,
    if(fired_profile = 0, '', lower(leftPad(hex(fired_profile), 16, '0'))) AS fired_profile_id,
    last.occurrence AS occurrence,
    last.message_id AS message_id,
    last.occurred_at AS occurred_at,
    confirmed_at,
    last.at AS at,
    seq
FROM
(
    SELECT
        workspace,
        rule,
        firing_id,
        argMax(
            CAST(
                (rule_version, level, trigger, action, destination, state, reason, attempts, subject, profile, occurrence, message_id, occurred_at, at),
                'Tuple(rule_version String, level String, trigger String, action String, destination String, state String, reason String, attempts UInt32, subject UInt64, profile UInt64, occurrence String, message_id String, occurred_at DateTime64(3, \'UTC\'), at DateTime64(3, \'UTC\'))'
            ),
            states.seq
        ) AS last,
        min(states.at) AS confirmed_at,
        max(states.seq) AS seq
    FROM {database}.firing_states AS states
    GROUP BY workspace, rule, firing_id
);

-- One row for each attempt to deliver a firing, also where a crash had it told twice.
CREATE OR REPLACE VIEW {database}.deliveries AS
SELECT
    workspace,
    firing_id,
    attempt,
    rule,
    rule_version,
    action,
    destination,
    subject,
    dictGetOrDefault('{database}.idr_segment', 'owner', subject, toUnixTimestamp64Milli(started_at), subject) AS owner,
    dictGetOrDefault('{database}.idr_root', 'root', owner, owner) AS profile,
    if(profile = 0, '', lower(leftPad(hex(profile), 16, '0'))) AS profile_id,
    outcome,
    status,
    error,
    answer,
    started_at,
    took_ms,
    next_at
FROM {database}.delivery_attempts FINAL;

-- What became of each rule's firings, by the day (UTC) on which they were confirmed. `used`: how many of them were let through by the rule's limits, hence
-- count in its quota: sent at least once, or as good as sent in test mode.
CREATE OR REPLACE VIEW {database}.rule_states AS
SELECT
    workspace,
    rule,
    toDate32(confirmed_at, 'UTC') AS day,
    count() AS firings,
    countIf(state = 'done') AS done,
    countIf(state = 'test') AS test,
    countIf(state IN ('waiting', 'sending')) AS waiting,
    countIf(state = 'refused') AS refused,
    countIf(state = 'failed') AS failed,
    sumMapIf(map(reason, toUInt64(1)), state = 'refused') AS refused_for,
    sumMapIf(map(reason, toUInt64(1)), state = 'failed') AS failed_for,
    countIf(state IN ('done', 'sending', 'failed', 'test') OR attempts > 0) AS used,
    minIf(confirmed_at, state IN ('waiting', 'sending')) AS oldest_waiting,
    maxIf(at, state = 'done') AS last_done
FROM {database}.firings
GROUP BY workspace, rule, day;
