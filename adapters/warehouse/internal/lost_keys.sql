-- Conversations with events that the log no longer holds: at or beyond the end of their epoch, or of an epoch it never had.
SELECT DISTINCT tenant, conversation
FROM events
WHERE stream = {stream:String}
  AND seq >= if(epoch < {oldest:UInt32}, {begin:UInt64}, {ends:Array(UInt64)}[indexOf({epochs:Array(UInt32)}, epoch)])
