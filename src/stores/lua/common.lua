-- Prepended to every script.
-- KEYS: none of its own
-- ARGV: none of its own
-- returns nothing; defines now(), typed(key, kind), epoch_of(state, fresh), agree(state, time, settings, lifetime),
--         lease_holders(key, time, born, ms), token_of(stored), stamp_of(stored, time) and
--         written_stamp(token, created, locks)

-- Milliseconds since 1970 by the server's clock.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Unlinks what is of another type than it should be: somebody else's, and in the way.
local function typed(key, kind)
  local found = redis.call('TYPE', key).ok
  if found ~= kind and found ~= 'none' then redis.call('UNLINK', key) end
end

-- The epoch and sequence of this incarnation of the data. The epoch follows the primary's replication id, which a
-- restart and a failover change: without a record that can be read, or under another id, everything cached before is
-- void; under settings that trust restarts, only without a record. A replica knows nothing for certain, so that it
-- answers nothing.
local function epoch_of(state, fresh)
  local info = redis.pcall('INFO', 'replication')
  if type(info) ~= 'string' then info = '' end
  if string.find(info, 'role:slave', 1, true) then error('READONLY this is a replica; the cache needs the primary') end
  local replid = string.match(info, 'master_replid:(%x+)') or 'unknown'
  local known = redis.pcall('HMGET', state, 'epoch', 'seq', 'replid', 'born', 'settings')
  if known.err then
    redis.call('UNLINK', state)
  elseif known[1] and known[3] and #known[1] == 16 and string.find(known[2] or '', '^%d+$') then
    if known[3] == replid then return known[1], tonumber(known[2]), tonumber(known[4]) end
    if string.find(known[5] or '', "onStoreRestart 'trust'", 1, true) then
      redis.call('HSET', state, 'replid', replid)
      return known[1], tonumber(known[2]), tonumber(known[4])
    end
  end
  local born = now()
  redis.call('HSET', state, 'epoch', fresh, 'seq', 0, 'replid', replid, 'born', born)
  return fresh, 0, born
end

-- Keeps the namespace's settings alive; gives those in force where they differ, else ''. What was cached under other
-- settings is void: before epoch_of, so that it begins a new epoch.
local function agree(state, time, settings, lifetime)
  typed(state, 'hash')
  local known = redis.call('HMGET', state, 'settings', 'settled')
  if known[1] and known[1] ~= settings then
    if (tonumber(known[2] or '') or 0) > time then return known[1] end
    redis.call('HDEL', state, 'epoch')
  end
  redis.call('HSET', state, 'settings', settings, 'settled', time + tonumber(lifetime))
  return ''
end

-- Processes whose memory lease may be live. '?' stands for those that may have been forgotten when the epoch began: it
-- never acknowledges, so that their leases are waited for.
local function lease_holders(key, time, born, ms)
  local holders = redis.call('ZRANGEBYSCORE', key, time - ms, '+inf')
  if (born or 0) >= time - ms then holders[#holders + 1] = '?' end
  return holders
end

-- The token of a stamp as it is stored; '' where there is none, or something that is no stamp.
local function token_of(stored)
  local digit = type(stored) == 'string' and string.byte(stored, 17)
  if not digit or digit < 48 or digit > 57 then return '' end
  return string.sub(stored, 1, 16)
end

-- A stamp as it is stored: its token, its creation time and the locks on it that have not expired. A lock that has
-- expired belongs to a transaction whose outcome nobody told: the token is void then, and comes back empty.
local function stamp_of(stored, time)
  local token = token_of(stored)
  if token == '' then return '', 0, {} end
  local created = tonumber(string.match(stored, '^%d+', 17)) or 0
  local locks = {}
  for id, deadline in string.gmatch(stored, ';([^:;]+):(%d+)') do
    if tonumber(deadline) > time then
      locks[#locks + 1] = { id = id, deadline = tonumber(deadline) }
    else
      token = ''
    end
  end
  return token, created, locks
end

local function written_stamp(token, created, locks)
  local parts = { token, string.format('%.0f', created) }
  for _, lock in ipairs(locks) do
    parts[#parts + 1] = ';' .. lock.id .. ':' .. string.format('%.0f', lock.deadline)
  end
  return table.concat(parts)
end
