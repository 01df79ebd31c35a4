-- What may be used for one purpose: events whose visitor said yes to that category. Where nobody was asked, nobody said yes.
CREATE OR REPLACE VIEW {database}.consented_events AS
SELECT *
FROM {database}.events_resolved
WHERE has(consent.categories, {category:String});
