-- What the reason of a firing leaves open, in words: what was wrong with a template. Rows and records of before have none.
ALTER TABLE {database}.firings_in ADD COLUMN IF NOT EXISTS detail String;
ALTER TABLE {database}.firing_states ADD COLUMN IF NOT EXISTS detail String CODEC(ZSTD(1));
ALTER TABLE {database}.firings_mv MODIFY QUERY
SELECT * FROM {database}.firings_in;

-- As in 0026_firings.sql, with the detail.
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
    seq,
    last.detail AS detail
FROM
(
    SELECT
        workspace,
        rule,
        firing_id,
        argMax(
            CAST(
                (rule_version, level, trigger, action, destination, state, reason, attempts, subject, profile, occurrence, message_id, occurred_at, at, detail),
                'Tuple(rule_version String, level String, trigger String, action String, destination String, state String, reason String, attempts UInt32, subject UInt64, profile UInt64, occurrence String, message_id String, occurred_at DateTime64(3, \'UTC\'), at DateTime64(3, \'UTC\'), detail String)'
            ),
            states.seq
        ) AS last,
        min(states.at) AS confirmed_at,
        max(states.seq) AS seq
    FROM {database}.firing_states AS states
    GROUP BY workspace, rule, firing_id
);
