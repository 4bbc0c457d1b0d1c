-- Conversations with events that the log no longer holds: at or beyond the end of their epoch, or of an epoch it never had.
SELECT DISTINCT tenant, conversation
FROM events
WHERE {{lost}}
