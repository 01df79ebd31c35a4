-- A look-up or a journey reads a granule of each part, some rows of all columns. In a wide part each column is files of its own, which are opened for
-- these few rows: 100 for a profile's. In a compact part a granule's columns lie side by side in one file (docs/decisions/0069). Parts that are
-- there become compact when they are merged.
ALTER TABLE {database}.subject_details MODIFY SETTING min_bytes_for_wide_part = 1099511627776;
ALTER TABLE {database}.subject_events MODIFY SETTING min_bytes_for_wide_part = 1099511627776;
