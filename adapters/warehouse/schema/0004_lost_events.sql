-- What a log that was put back to an older copy no longer holds: taken out of every other table, kept for people.

CREATE TABLE IF NOT EXISTS lost_events {{on_cluster}} (
  tenant LowCardinality(String) COMMENT 'tenant, from the subject',
  conversation String COMMENT 'conversation; on channel desk an agent, a contact or a run',
  epoch UInt32 COMMENT 'stretch of the stream, the Unix second of its beginning',
  seq UInt64 COMMENT 'sequence in the stream, given to another event since',
  id UUID COMMENT 'the event''s id',
  type LowCardinality(String) COMMENT 'event type',
  channel LowCardinality(String) COMMENT 'channel, from the subject',
  at DateTime64(3, 'UTC') COMMENT 'when it happened, by the writer''s clock',
  stored_at DateTime64(3, 'UTC') COMMENT 'when the stream stored it',
  stream LowCardinality(String) COMMENT 'the two digits of the stream',
  lost_at DateTime64(3, 'UTC') COMMENT 'when the loader found out',
  keep_until DateTime COMMENT 'the row is deleted after this',
  raw String COMMENT 'stored bytes, unchanged' CODEC(ZSTD(3))
) ENGINE = {{engine}}ReplacingMergeTree(lost_at)
ORDER BY (tenant, conversation, epoch, seq)
TTL keep_until DELETE
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
