-- What is kept on disk by table, and how many bytes that is for each stored event; the line without a name is all tables together.
SELECT
    table,
    sum(parts.rows) AS rows,
    sum(bytes_on_disk) AS bytes,
    round(bytes / rows, 1) AS bytes_a_row,
    round(bytes / (SELECT sum(of_events.rows) FROM system.parts AS of_events WHERE database = currentDatabase() AND active AND table = 'events'), 1) AS bytes_an_event
FROM system.parts AS parts
WHERE database = currentDatabase() AND active AND parts.rows > 0
GROUP BY ROLLUP(table)
ORDER BY bytes DESC, table
