-- Conversations of a day, and first responses that were given in it (metrics.md: dated by what completes them).
SELECT
  countIf(opened_at >= begin AND opened_at < end),
  countIf(resolved_at >= begin AND resolved_at < end),
  countIf(status NOT IN ('resolved', 'closed')),
  if(countIf(is_answered) = 0, NULL, quantileExactInclusiveIf(0.5)(ifNull(frt_human_ms, 0), is_answered)),
  if(countIf(is_answered) = 0, NULL, quantileExactInclusiveIf(0.9)(ifNull(frt_human_ms, 0), is_answered))
FROM (
  SELECT
    opened_at, resolved_at, status, frt_human_ms,
    fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') AS begin,
    fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC') AS end,
    frt_human_ms IS NOT NULL AND ifNull(first_agent_at >= begin AND first_agent_at < end, 0) AS is_answered
  FROM conversations FINAL
  WHERE tenant = {tenant:String} AND 1 /* scope */ AND erased = 0
)
