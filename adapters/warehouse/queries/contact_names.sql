-- Names of the contacts of some conversations.
SELECT conversation, contact_name
FROM conversations FINAL
WHERE tenant = {tenant:String} AND conversation IN {conversations:Array(String)}
