-- Loads that were promised and never finished.
SELECT load, any(ranges)
FROM loads
WHERE `group` = {group:String} AND load > {after:UInt64}
GROUP BY load
HAVING countIf(state = 'done') = 0
ORDER BY load
