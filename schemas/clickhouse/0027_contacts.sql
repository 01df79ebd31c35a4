-- Addresses on contact lists and opt-out lists, as they stand (docs/contacts.md). Fed by agent `contacts`.
CREATE TABLE IF NOT EXISTS {database}.contacts_in
(
    workspace LowCardinality(String),
    list LowCardinality(String),
    kind LowCardinality(String),
    channel LowCardinality(String),
    contact UInt64,
    address String,
    state LowCardinality(String),
    changed_at DateTime64(3, 'UTC'),
    mailer LowCardinality(String),
    origin LowCardinality(String),
    version UInt64
)
ENGINE = Null;

-- One row for each list and address; the newest version replaces all earlier ones. Who was taken off stays, as `deleted`.
CREATE TABLE IF NOT EXISTS {database}.contact_list_members
(
    workspace LowCardinality(String),
    list LowCardinality(String),
    kind LowCardinality(String),
    channel LowCardinality(String),
    contact UInt64 CODEC(ZSTD(1)),
    address String CODEC(ZSTD(1)),
    state LowCardinality(String),
    changed_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    mailer LowCardinality(String),
    origin LowCardinality(String),
    version UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace, list, contact)
SETTINGS merge_selector_base = 10, non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.contact_list_members_mv TO {database}.contact_list_members AS
SELECT * FROM {database}.contacts_in;

-- What is asked before anything is sent: on which opt-out lists an address is. Sorted for that, and without the address itself.
CREATE TABLE IF NOT EXISTS {database}.opt_outs
(
    workspace LowCardinality(String),
    contact UInt64 CODEC(ZSTD(1)),
    list LowCardinality(String),
    channel LowCardinality(String),
    state LowCardinality(String),
    version UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace, contact, list)
SETTINGS merge_selector_base = 10, non_replicated_deduplication_window = 100000, replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.opt_outs_mv TO {database}.opt_outs AS
SELECT workspace, contact, list, channel, state, version FROM {database}.contacts_in WHERE kind = 'opt_out';

-- With the person that the address is of now. An address that nobody is known by otherwise is a person of its own.
CREATE OR REPLACE VIEW {database}.contacts AS
SELECT
    workspace,
    list,
    kind,
    channel,
    contact,
    address,
    state,
    changed_at,
    mailer,
    origin,
    version,
    dictGetOrDefault('{database}.idr_root', 'root', contact, contact) AS profile,
    lower(leftPad(hex(profile), 16, '0')) AS profile_id
FROM {database}.contact_list_members FINAL;
