-- What an insert writes is one file for all columns, whatever its size; merges write one or two for each column, as before.
--
-- A property of an event is a path of the JSON column, and a path is twelve files where columns have files of their own: 250 for a block
-- of twelve properties. Creating them took a sixth of an insert's CPU; a merge of such parts costs the same (docs/benchmarks.md).
ALTER TABLE {database}.events MODIFY SETTING min_level_for_wide_part = 1;
