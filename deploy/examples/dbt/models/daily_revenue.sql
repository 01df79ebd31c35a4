-- Orders and revenue of each day (UTC), in the base currency, after refunds.
{{ config(materialized='table', order_by='(workspace, day)') }}
SELECT
    workspace,
    toDate32(ordered_at) AS day,
    count() AS orders,
    uniqExact(profile) AS customers,
    sum(net_base) AS revenue
FROM {{ source('stitchline', 'orders') }}
WHERE is_reported AND status != 'cancelled'
GROUP BY workspace, day
