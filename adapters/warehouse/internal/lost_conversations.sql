-- Facts of conversations that lost events; those that the log holds are made again.
DELETE FROM conversations
WHERE (tenant, conversation) IN {keys:Array(Tuple(String, String))}
