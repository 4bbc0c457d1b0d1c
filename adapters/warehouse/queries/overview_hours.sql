-- Public messages of a day by hour of the zone: of visitors, and of agents and bots. The system's answer nothing.
SELECT
  toHour(at, {tz:String}) AS hour,
  countIf(actor_kind IN ('visitor', 'provider')),
  countIf(actor_kind IN ('agent', 'bot'))
FROM messages FINAL
WHERE tenant = {tenant:String} AND 1 /* scope */
  AND at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') AND at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
  AND note = 0
GROUP BY hour
