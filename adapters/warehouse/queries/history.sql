-- Events of one conversation before a position, newest first. What could not be read, or was erased, is left out.
SELECT epoch, seq, prev, raw
FROM events FINAL
WHERE tenant = {tenant:String} AND conversation = {conv:String}
  AND (epoch, seq) < ({epoch:UInt32}, {seq:UInt64})
  AND type != 'unknown' AND erased = 0
ORDER BY epoch DESC, seq DESC
LIMIT {limit:UInt32}
