-- The most active parts that one partition of ours has.
SELECT max(parts) FROM (
  SELECT count() AS parts FROM system.parts
  WHERE active AND database = currentDatabase() AND table IN ('events', 'messages', 'conversations')
  GROUP BY table, partition
)
