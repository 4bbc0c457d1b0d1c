-- The log as it was stored, and the journal of the loads that brought it here (warehouse.md, sections 2 and 3).

CREATE TABLE IF NOT EXISTS events {{on_cluster}} (
  tenant LowCardinality(String) COMMENT 'tenant, from the subject',
  conversation String COMMENT 'conversation; on channel desk an agent, a contact or a run',
  epoch UInt32 COMMENT 'stretch of the stream, the Unix second of its beginning',
  seq UInt64 COMMENT 'sequence in the stream' CODEC(Delta, ZSTD(1)),
  prev UInt64 COMMENT 'sequence of the event before it on the same subject, 0 for the first' CODEC(Delta, ZSTD(1)),
  id UUID COMMENT 'the event''s id',
  type LowCardinality(String) COMMENT 'event type, unknown if the bytes hold none',
  channel LowCardinality(String) COMMENT 'channel, from the subject',
  actor_kind LowCardinality(String) COMMENT 'visitor, agent, bot, system or provider',
  actor String COMMENT 'id of who did it',
  at DateTime64(3, 'UTC') COMMENT 'when it happened, by the writer''s clock' CODEC(Delta, ZSTD(1)),
  stored_at DateTime64(3, 'UTC') COMMENT 'when the stream stored it' CODEC(Delta, ZSTD(1)),
  stream LowCardinality(String) COMMENT 'the two digits of the stream',
  keep_until DateTime COMMENT 'the row is deleted after this',
  erased UInt8 DEFAULT 0 COMMENT '1 once a person''s data was erased',
  version UInt32 DEFAULT 0 COMMENT 'rises when a row is erased',
  raw String COMMENT 'stored bytes, unchanged; {} when erased' CODEC(ZSTD(3))
) ENGINE = {{engine}}ReplacingMergeTree(version)
PARTITION BY toYYYYMM(stored_at)
ORDER BY (tenant, conversation, epoch, seq)
TTL keep_until DELETE
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS loads {{on_cluster}} (
  `group` LowCardinality(String) COMMENT 'group of loaders',
  load UInt64 COMMENT 'number of the load within its group',
  state LowCardinality(String) COMMENT 'begun: the ranges are promised; done: every table has them',
  at DateTime64(3, 'UTC') COMMENT 'when this row was written',
  fence UInt64 COMMENT 'revision of the lease of the loader',
  ranges Array(Tuple(stream String, epoch UInt32, first UInt64, last UInt64)) COMMENT 'what the load holds',
  count UInt64 COMMENT 'events in it',
  checksum UInt64 COMMENT 'groupBitXor(cityHash64(seq, id)) of its events, computed from the log',
  cursors Array(Tuple(stream String, epoch UInt32, seq UInt64)) COMMENT 'all at or below is loaded, for each stream',
  newest_stored_at DateTime64(3, 'UTC') COMMENT 'when the newest event of this and all loads before it was stored',
  unwritten_since DateTime64(3, 'UTC') COMMENT 'conversations that moved from here on may lack their newest row; 0 if none'
) ENGINE = {{engine}}MergeTree
ORDER BY (`group`, load, state)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE VIEW IF NOT EXISTS cursors {{on_cluster}} AS
SELECT `group`, cursor.1 AS stream, cursor.2 AS epoch, cursor.3 AS seq
FROM (SELECT `group`, argMax(cursors, load) AS newest FROM loads WHERE state = 'done' GROUP BY `group`)
ARRAY JOIN newest AS cursor;
