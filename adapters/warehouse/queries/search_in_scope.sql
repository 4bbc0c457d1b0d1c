-- As search_messages, of the conversations alone that an agent may look at (backbone.access.Scope.sql; a sum in
-- place of its OR, so that nothing reaches around the tenant).
SELECT conversation, epoch, seq, toUnixTimestamp64Milli(at), actor_kind, actor, text
FROM messages FINAL
WHERE tenant = {tenant:String}
  AND hasPhrase(text, {w0:String}) AND hasPhrase(text, {w1:String})
  AND hasPhrase(text, {w2:String}) AND hasPhrase(text, {w3:String})
  AND hasPhrase(text, {w4:String}) AND hasPhrase(text, {w5:String})
  AND hasPhrase(text, {w6:String}) AND hasPhrase(text, {w7:String})
  AND at <= fromUnixTimestamp64Milli({at:Int64}, 'UTC')
  AND (at, conversation, seq) < (fromUnixTimestamp64Milli({at:Int64}, 'UTC'), {conv:String}, {seq:UInt64})
  AND conversation IN (
    SELECT conversation FROM conversations FINAL
    WHERE tenant = {tenant:String}
      AND (agent = {scope_actor:String} AND agent != '') + (team IN {scope_teams:Array(String)})
        + (inbox IN {scope_inboxes:Array(String)}) > 0
  )
ORDER BY at DESC, conversation DESC, seq DESC
LIMIT {limit:UInt32}
