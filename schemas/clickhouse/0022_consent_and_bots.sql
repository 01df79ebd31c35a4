-- What the visitor decided, and how likely it is that no person did it (schemas/stamps.py): a column for each part, as in 0010_stamps.sql. Events
-- stored before this have the defaults: nobody was asked, score 0.

-- First the table, then what fills it: the view passes on what both have.
ALTER TABLE {database}.events
    ADD COLUMN IF NOT EXISTS consent Tuple(state LowCardinality(String), categories Array(String), signals Array(String)) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS bot Tuple(score UInt8, reasons Array(String)) CODEC(ZSTD(1));

ALTER TABLE {database}.events_in
    ADD COLUMN IF NOT EXISTS consent Tuple(state String, categories Array(String), signals Array(String)),
    ADD COLUMN IF NOT EXISTS bot Tuple(score UInt8, reasons Array(String));

-- As in 0017_subjects.sql, with both.
CREATE OR REPLACE VIEW {database}.events_resolved AS
SELECT
    workspace,
    message_id,
    type,
    event,
    name,
    timestamp,
    received_at,
    sent_at,
    original_timestamp,
    anonymous_id,
    user_id,
    previous_id,
    group_id,
    subject,
    dictGetOrDefault('{database}.idr_segment', 'owner', subject, toUnixTimestamp64Milli(timestamp), subject) AS owner,
    dictGetOrDefault('{database}.idr_root', 'root', owner, owner) AS profile,
    lower(leftPad(hex(profile), 16, '0')) AS profile_id,
    session_id,
    traits,
    properties,
    properties_text,
    context,
    integrations,
    envelope,
    concat(toString(raw_partition), ':', toString(raw_offset), ':', toString(raw_index)) AS lineage,
    source,
    identifiers,
    visitor,
    touch,
    visit,
    device,
    place,
    meaning,
    commerce,
    items,
    clock_offset_ms,
    page,
    subject_type,
    consent,
    bot
FROM {database}.events;

-- As in 0020_reports.sql, with both.
CREATE OR REPLACE VIEW {database}.people_events AS
SELECT *
FROM
(
    SELECT
        workspace, source, message_id, type, event, name, timestamp, received_at, stored_at, subject, visitor, session_id, user_id, anonymous_id,
        dictGetOrDefault('{database}.idr_segment', 'owner', subject, toUnixTimestamp64Milli(timestamp), subject) AS owner,
        dictGetOrDefault('{database}.idr_root', 'root', owner, owner) AS profile,
        profile != subject OR subject_type NOT IN ('a', 'm') AS is_known,
        properties, touch, visit, device, place, meaning, commerce, items, page, consent, bot
    FROM {database}.events
    WHERE workspace = {workspace:String}
      AND (SELECT throwIf({bots:String} NOT IN ('exclude', 'include', 'only'), 'bots: exclude, include or only')) = 0
      AND ({bots:String} = 'include' OR device.is_bot = ({bots:String} = 'only'))
)
WHERE (SELECT throwIf({people:String} NOT IN ('known', 'anonymous', 'any'), 'people: known, anonymous or any')) = 0
  AND ({people:String} = 'any' OR is_known = ({people:String} = 'known'));
