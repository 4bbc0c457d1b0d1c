-- Of rows of `events`: at or beyond the end of their epoch, or of an epoch that the log never had. `bounds` has its parameters.
stream = {stream:String}
  AND seq >= if(epoch < {oldest:UInt32}, {begin:UInt64}, {ends:Array(UInt64)}[indexOf({epochs:Array(UInt32)}, epoch)])
