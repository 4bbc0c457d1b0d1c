-- Whether another loader with a newer lease has written.
SELECT max(fence)
FROM loads
WHERE `group` = {group:String} AND load >= {after:UInt64}
