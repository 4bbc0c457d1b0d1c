-- All earlier events of some subjects, to fold them again.
SELECT
  tenant, conversation, channel, stream, epoch, seq, toUnixTimestamp64Milli(stored_at), if(channel = 'desk', '', raw)
FROM events FINAL
WHERE (tenant, conversation) IN {keys:Array(Tuple(String, String))} AND erased = 0
ORDER BY tenant, conversation, epoch, seq
