-- What BI tools read: stable names, one row a thing, newest state (warehouse.md, "BI views"). Columns are only added.
-- Merging within a partition suffices: a row's partition comes from a column that never changes.

CREATE DATABASE IF NOT EXISTS bi {{on_cluster}};

CREATE VIEW IF NOT EXISTS bi.messages {{on_cluster}} (
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
  recalled UInt8 COMMENT '1 if it was withdrawn'
) AS
SELECT
  tenant, at, conversation, epoch, seq, id,
  stored_at, channel, inbox, actor_kind, actor, actor_name,
  kind, note, text, attachments, attachment_bytes, reply_to,
  edited_at, recalled
FROM messages FINAL
WHERE erased = 0
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE VIEW IF NOT EXISTS bi.conversations {{on_cluster}} (
  tenant LowCardinality(String) COMMENT 'tenant',
  conversation String COMMENT 'conversation',
  stored_at DateTime64(3, 'UTC') COMMENT 'when its first event was stored',
  channel LowCardinality(String) COMMENT 'channel',
  inbox LowCardinality(String) COMMENT 'inbox',
  contact String COMMENT 'contact',
  contact_name String COMMENT 'name of the contact, as last seen',
  previous String COMMENT 'conversation of the same contact before it',
  status LowCardinality(String) COMMENT 'queued, open, snoozed, resolved or closed',
  agent String COMMENT 'who owns it, or owned it last',
  team String COMMENT 'team that has it, or had it last',
  first_team String COMMENT 'team that had it first',
  opened_by LowCardinality(String) COMMENT 'kind of actor that opened it',
  opened_at DateTime64(3, 'UTC') COMMENT 'its first event',
  first_visitor_at Nullable(DateTime64(3, 'UTC')) COMMENT 'first message of the visitor',
  first_bot_at Nullable(DateTime64(3, 'UTC')) COMMENT 'first answer of a bot before any agent''s',
  first_agent_at Nullable(DateTime64(3, 'UTC')) COMMENT 'first public message of an agent',
  first_resolved_at Nullable(DateTime64(3, 'UTC')) COMMENT 'first time resolved',
  resolved_at Nullable(DateTime64(3, 'UTC')) COMMENT 'resolved and not reopened since',
  closed_at Nullable(DateTime64(3, 'UTC')) COMMENT 'closed for good',
  close_reason LowCardinality(String) COMMENT 'visitor, timeout, spam, ...',
  last_at DateTime64(3, 'UTC') COMMENT 'its newest event when this row was written',
  frt_any_ms Nullable(Int64) COMMENT 'first visitor message to first agent or bot message',
  frt_bot_ms Nullable(Int64) COMMENT 'first visitor message to first bot message before any agent''s',
  frt_human_ms Nullable(Int64) COMMENT 'first visitor message to first agent message; headline',
  frt_handoff_ms Nullable(Int64) COMMENT 'first queue entry or direct assignment to first agent message',
  queue_wait_ms Nullable(Int64) COMMENT 'first stay in a queue',
  queue_wait_total_ms Int64 COMMENT 'all ended stays in queues',
  queue_entries UInt32 COMMENT 'times queued',
  handled_ms Nullable(Int64) COMMENT 'ended stretches held by agents and their wrap-ups',
  wrapup_ms Nullable(Int64) COMMENT 'wrap-ups alone',
  first_resolution_ms Nullable(Int64) COMMENT 'opened to first resolved',
  full_resolution_ms Nullable(Int64) COMMENT 'opened to last resolved; NULL while open again',
  open_time_ms Nullable(Int64) COMMENT 'full resolution without time spent resolved',
  human_rounds UInt32 COMMENT 'visitor turns answered by an agent',
  human_rounds_ms Int64 COMMENT 'their response times together',
  bot_rounds UInt32 COMMENT 'visitor turns answered by a bot',
  bot_rounds_ms Int64 COMMENT 'their response times together',
  messages_visitor UInt32 COMMENT 'messages of the visitor',
  messages_agent UInt32 COMMENT 'public messages of agents',
  messages_bot UInt32 COMMENT 'messages of bots',
  messages_system UInt32 COMMENT 'messages of the system; they answer nothing',
  notes UInt32 COMMENT 'notes of colleagues',
  reopens UInt32 COMMENT 'reopened by a message of the visitor',
  reopens_by_agent UInt32 COMMENT 'reopened by an agent',
  transfers UInt32 COMMENT 'handed on by an agent',
  reassigned UInt32 COMMENT 'handed on by the system',
  one_touch UInt8 COMMENT 'resolved with exactly one agent message, no reopening, no transfer',
  no_touch UInt8 COMMENT 'resolved without any agent message',
  rating_requested_at Nullable(DateTime64(3, 'UTC')) COMMENT 'last time a rating was asked for',
  rating_at Nullable(DateTime64(3, 'UTC')) COMMENT 'last rating',
  rating Nullable(UInt8) COMMENT 'last rating, on a scale of 1 to 5',
  clock_skew UInt8 COMMENT '1 if times ran backwards somewhere'
) AS
SELECT
  tenant, conversation, stored_at, channel, inbox, contact,
  contact_name, previous, status, agent, team, first_team,
  opened_by, opened_at, first_visitor_at, first_bot_at, first_agent_at, first_resolved_at,
  resolved_at, closed_at, close_reason, last_at, frt_any_ms, frt_bot_ms,
  frt_human_ms, frt_handoff_ms, queue_wait_ms, queue_wait_total_ms, queue_entries, handled_ms,
  wrapup_ms, first_resolution_ms, full_resolution_ms, open_time_ms, human_rounds, human_rounds_ms,
  bot_rounds, bot_rounds_ms, messages_visitor, messages_agent, messages_bot, messages_system,
  notes, reopens, reopens_by_agent, transfers, reassigned, one_touch,
  no_touch, rating_requested_at, rating_at, rating, clock_skew
FROM conversations FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;
