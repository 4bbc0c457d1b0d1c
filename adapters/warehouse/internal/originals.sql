-- The messages that edits and recalls name.
SELECT
  tenant, conversation, channel, stream, epoch, seq, toUnixTimestamp64Milli(stored_at), raw
FROM events FINAL
WHERE (tenant, conversation) IN {keys:Array(Tuple(String, String))}
  AND id IN {ids:Array(UUID)} AND type = 'message.added' AND channel != 'desk' AND erased = 0
ORDER BY tenant, conversation, epoch, seq
