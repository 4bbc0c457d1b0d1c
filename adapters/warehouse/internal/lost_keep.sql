-- Keeps what is lost for people, before it leaves the other tables.
INSERT INTO lost_events
SELECT tenant, conversation, epoch, seq, id, type, channel, at, stored_at, stream, now64(3, 'UTC'), keep_until, raw
FROM events FINAL
WHERE {{lost}}
  AND erased = 0
