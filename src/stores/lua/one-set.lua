-- Reads the maps, or enters a lease holder, of a partition whose slot is being moved and no script reaches more than one
-- name.
-- KEYS: maps or lease holders
-- ARGV: process to enter ('' for none), ms after which an entry is forgotten
-- returns { members that have not passed }
local time = now()
typed(KEYS[1], 'zset')
if ARGV[1] ~= '' then
  redis.call('ZADD', KEYS[1], time, ARGV[1])
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', time - tonumber(ARGV[2]))
end
return { redis.call('ZRANGEBYSCORE', KEYS[1], time, '+inf') }
