-- What of a promised range is in the table, as readers see it. The times only leave out other months.
SELECT count(), groupBitXor(cityHash64(seq, id))
FROM events FINAL
WHERE stream = {stream:String} AND epoch = {epoch:UInt32} AND seq BETWEEN {first:UInt64} AND {last:UInt64}
  AND stored_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
  AND stored_at <= fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
