-- Prepended to every script.
-- KEYS: none of its own
-- ARGV: none of its own
-- returns nothing; defines now() and epoch_of(state, fresh)

-- Milliseconds since 1970 by the server's clock.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The epoch and sequence of this incarnation of the data. The epoch follows the primary's replication id, which a
-- restart and a failover change: without a record, or under another id, everything cached before is void.
local function epoch_of(state, fresh)
  local info = redis.pcall('INFO', 'replication')
  local replid = type(info) == 'string' and string.match(info, 'master_replid:(%x+)') or 'unknown'
  local known = redis.call('HMGET', state, 'epoch', 'seq', 'replid')
  if known[1] and known[3] == replid then
    return known[1], tonumber(known[2])
  end
  redis.call('HSET', state, 'epoch', fresh, 'seq', 0, 'replid', replid, 'born', now())
  return fresh, 0
end
