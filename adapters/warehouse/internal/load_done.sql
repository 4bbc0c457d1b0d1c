-- The newest finished load of a group. Read backwards along the key: it stops at the first row.
SELECT load, cursors, toUnixTimestamp64Milli(newest_stored_at), toUnixTimestamp64Milli(unwritten_since)
FROM loads
WHERE `group` = {group:String} AND state = 'done'
ORDER BY `group` DESC, load DESC
LIMIT 1
