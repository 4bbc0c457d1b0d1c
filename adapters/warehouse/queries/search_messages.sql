-- Newest messages that hold all the words. The table is ordered by tenant and time, so this stops at a full page.
SELECT conversation, epoch, seq, toUnixTimestamp64Milli(at), actor_kind, actor, text, words
FROM messages FINAL
WHERE tenant = {tenant:String} AND 1 /* scope */
  AND (hasPhrase(text, {w0:String}) OR hasPhrase(words, {w0:String})) AND (hasPhrase(text, {w1:String}) OR hasPhrase(words, {w1:String}))
  AND (hasPhrase(text, {w2:String}) OR hasPhrase(words, {w2:String})) AND (hasPhrase(text, {w3:String}) OR hasPhrase(words, {w3:String}))
  AND (hasPhrase(text, {w4:String}) OR hasPhrase(words, {w4:String})) AND (hasPhrase(text, {w5:String}) OR hasPhrase(words, {w5:String}))
  AND (hasPhrase(text, {w6:String}) OR hasPhrase(words, {w6:String})) AND (hasPhrase(text, {w7:String}) OR hasPhrase(words, {w7:String}))
  AND at <= fromUnixTimestamp64Milli({at:Int64}, 'UTC')
  AND (at, conversation, seq) < (fromUnixTimestamp64Milli({at:Int64}, 'UTC'), {conv:String}, {seq:UInt64})
ORDER BY at DESC, conversation DESC, seq DESC
LIMIT {limit:UInt32}
