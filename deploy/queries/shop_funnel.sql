-- From looking to buying: how many people viewed a product, added one to a cart, ordered.
SELECT
    uniqExactIf(profile_id, event = 'Product Viewed') AS viewed,
    uniqExactIf(profile_id, event = 'Product Added') AS added,
    uniqExactIf(profile_id, event = 'Order Completed') AS ordered
FROM events_resolved
