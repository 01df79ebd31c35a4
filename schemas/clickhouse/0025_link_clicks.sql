-- Clicks on links that count, from `since` (inclusive) to `until` (exclusive), with what only later events show of mail scanners: how many links of one
-- recipient were opened together, and whether anything was heard of the visitor afterwards. Ten seconds and half an hour are docs/bots.md's.
CREATE OR REPLACE VIEW {database}.link_clicks AS
SELECT
    click.workspace AS workspace,
    click.source AS source,
    click.message_id AS message_id,
    fromUnixTimestamp64Milli(click.ms, 'UTC') AS timestamp,
    click.visitor AS visitor,
    click.url AS url,
    click.name AS name,
    click.recipient AS recipient,
    click.bot AS bot,
    click.is_bot AS is_bot,
    click.together AS together,
    later.ms > click.ms AND later.ms <= click.ms + 1800000 AS is_followed,
    is_bot OR (together >= 3 AND NOT is_followed) AS is_scanner
FROM
(
    SELECT
        *,
        if(
            recipient = 0,
            1,
            uniqExact(url) OVER (PARTITION BY workspace, recipient ORDER BY ms RANGE BETWEEN 10000 PRECEDING AND 10000 FOLLOWING)
        ) AS together
    FROM
    (
        SELECT
            workspace,
            source,
            message_id,
            toUnixTimestamp64Milli(timestamp) AS ms,
            visitor,
            ifNull(toString(properties.url), '') AS url,
            ifNull(toString(properties.name), '') AS name,
            arrayFirst(identifier -> identifier.claimed, identifiers).node AS recipient,
            bot,
            device.is_bot AS is_bot
        FROM {database}.events
        WHERE event = 'Link Clicked'
          AND timestamp >= {since:DateTime64(3, 'UTC')}
          AND timestamp < {until:DateTime64(3, 'UTC')}
    )
) AS click
ASOF LEFT JOIN
(
    SELECT workspace, visitor, toUnixTimestamp64Milli(timestamp) AS ms
    FROM {database}.events
    WHERE event != 'Link Clicked'
      AND timestamp >= {since:DateTime64(3, 'UTC')}
      AND timestamp < {until:DateTime64(3, 'UTC')} + INTERVAL 30 MINUTE
      AND visitor IN (
          SELECT visitor FROM {database}.events
          WHERE event = 'Link Clicked' AND timestamp >= {since:DateTime64(3, 'UTC')} AND timestamp < {until:DateTime64(3, 'UTC')}
      )
) AS later ON click.workspace = later.workspace AND click.visitor = later.visitor AND later.ms > click.ms;
