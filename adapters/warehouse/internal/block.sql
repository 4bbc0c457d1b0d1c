-- Count and checksum of a run of sequences of one stream and epoch, as readers see them.
SELECT count(), groupBitXor(cityHash64(seq, id))
FROM events FINAL
WHERE stream = {stream:String} AND epoch = {epoch:UInt32} AND seq BETWEEN {first:UInt64} AND {last:UInt64} AND erased = 0
