-- What customers entered or chose beside words: kept as it is for BI, its values searched with the text.

ALTER TABLE messages {{on_cluster}}
  ADD COLUMN IF NOT EXISTS data String DEFAULT '' COMMENT 'what was entered or chosen beside words, as JSON; empty for nothing' CODEC(ZSTD(3)) AFTER text,
  ADD COLUMN IF NOT EXISTS words String DEFAULT '' COMMENT 'the values of data, one a line' CODEC(ZSTD(3)) AFTER data,
  ADD INDEX IF NOT EXISTS iw words TYPE text(tokenizer = asciiCJK, preprocessor = lowerUTF8(normalizeUTF8NFKC(words)));

ALTER TABLE messages {{on_cluster}} MATERIALIZE INDEX IF EXISTS iw;

CREATE OR REPLACE VIEW bi.messages {{on_cluster}} (
  tenant LowCardinality(String) COMMENT 'tenant',
  at DateTime64(3, 'UTC') COMMENT 'when it was written',
  conversation String COMMENT 'conversation',
  epoch UInt32 COMMENT 'stretch of the stream',
  seq UInt64 COMMENT 'sequence of the message',
  id UUID COMMENT 'the message''s id',
  stored_at DateTime64(3, 'UTC') COMMENT 'when the stream stored it',
  channel LowCardinality(String) COMMENT 'channel',
  inbox LowCardinality(String) COMMENT 'inbox',
  actor_kind LowCardinality(String) COMMENT 'visitor, agent, bot, system or provider',
  actor String COMMENT 'id of who wrote it',
  actor_name String COMMENT 'name of who wrote it, as it was then',
  kind LowCardinality(String) COMMENT 'text, image, file, ...',
  note UInt8 COMMENT '1 if only colleagues see it',
  text String COMMENT 'text, latest edit; empty when recalled or erased',
  attachments Array(String) COMMENT 'names of attached files',
  attachment_bytes UInt64 COMMENT 'size of attached files together',
  reply_to String COMMENT 'id of the message it answers',
  edited_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when its text was changed last',
  recalled UInt8 COMMENT '1 if it was withdrawn',
  data String COMMENT 'what was entered or chosen beside words, as JSON; empty for nothing'
) AS
SELECT
  tenant, at, conversation, epoch, seq, id,
  stored_at, channel, inbox, actor_kind, actor, actor_name,
  kind, note, text, attachments, attachment_bytes, reply_to,
  edited_at, recalled, data
FROM messages FINAL
WHERE erased = 0
SETTINGS do_not_merge_across_partitions_select_final = 1;
