-- Events and people of each day (UTC) and name, without bots. Merges change people of days past: run it in full now and then.
{{ config(
    materialized='incremental',
    incremental_strategy='delete_insert',
    unique_key='day',
    order_by='(workspace, day, event)'
) }}
SELECT
    workspace,
    toDate32(timestamp) AS day,
    if(type = 'track', toString(event), toString(type)) AS event,
    count() AS events,
    uniqExact(profile) AS people
FROM {{ source('stitchline', 'events_resolved') }}
WHERE NOT device.is_bot
{% if is_incremental() %}
  AND timestamp >= (SELECT max(day) - 3 FROM {{ this }})
{% endif %}
GROUP BY workspace, day, event
