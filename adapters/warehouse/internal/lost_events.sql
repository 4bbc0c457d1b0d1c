-- The last step: without these rows nothing is found lost at the next start.
DELETE FROM events
WHERE stream = {stream:String} AND epoch >= {oldest:UInt32} AND seq >= {ends:Array(UInt64)}[indexOf({epochs:Array(UInt32)}, epoch)]
