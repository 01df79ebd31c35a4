-- Whose an event is: the profile of a subject at a time, from the dictionaries that the views use (0002_identity.sql).
--
-- Functions are global to a ClickHouse server, databases are not: {function} is `idr_profile` for the default database, else
-- `idr_profile_` and the database's name (sinks/migrating/functions.py). The views do not need it.
CREATE OR REPLACE FUNCTION {function} AS (subject, ts) ->
    dictGetOrDefault(
        '{database}.idr_root',
        'root',
        dictGetOrDefault('{database}.idr_segment', 'owner', subject, toUnixTimestamp64Milli(toDateTime64(ts, 3)), subject),
        dictGetOrDefault('{database}.idr_segment', 'owner', subject, toUnixTimestamp64Milli(toDateTime64(ts, 3)), subject)
    );
