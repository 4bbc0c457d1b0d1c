-- The bounds of a day of a time zone; 23 to 25 hours where clocks change.
WITH toStartOfDay(fromUnixTimestamp64Milli({now_ms:Int64}, {tz:String})) AS midnight
SELECT toString(toDate(midnight)), toInt64(toUnixTimestamp(midnight)) * 1000, toInt64(toUnixTimestamp(addDays(midnight, 1))) * 1000
