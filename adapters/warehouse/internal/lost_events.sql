-- The last step: without these rows nothing is found lost at the next start.
DELETE FROM events
WHERE stream = {stream:String}
  AND seq >= if(epoch < {oldest:UInt32}, {begin:UInt64}, {ends:Array(UInt64)}[indexOf({epochs:Array(UInt32)}, epoch)])
