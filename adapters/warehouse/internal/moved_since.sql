-- Conversations of which an event was stored at or after a time.
SELECT DISTINCT tenant, conversation
FROM events
WHERE stored_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC') AND channel != 'desk'
