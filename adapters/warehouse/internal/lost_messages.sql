-- Messages of conversations that lost events; those that the log holds are made again.
DELETE FROM messages
WHERE (tenant, conversation) IN {keys:Array(Tuple(String, String))}
