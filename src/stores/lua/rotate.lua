-- Makes stamps, values and claims void, advances the sequence and publishes, whether or not any of them existed. A
-- stamp is unlinked, except where others hold locks on it: then its token is replaced and their locks stay. Unlinks
-- before anything that grows, so that it passes at maxmemory too.
-- KEYS: state, maps, lease holders, a name that need not exist, S stamps, recent (only with replicas), before (only with
--       replicas), then values and claims
-- ARGV: fresh epoch, channel, message body, S, id of a lock to take off ('' for none), ms for which a lease holder counts
--       ('0': do not tell), replica ms (0: no replicas in use), place in the database's log ('' where nobody told), a
--       fresh token per stamp
-- returns { epoch, sequence, digests of the live maps, lease holders }
local count = tonumber(ARGV[4])
local lag = tonumber(ARGV[7])
redis.call('UNLINK', KEYS[4])
for first = (lag > 0 and 7 or 5) + count, #KEYS, 5000 do
  redis.call('UNLINK', unpack(KEYS, first, math.min(first + 4999, #KEYS)))
end
local time = now()
for first = 5, 4 + count, 5000 do
  local last = math.min(first + 4999, 4 + count)
  local unlocked = {}
  for at, stored in ipairs(redis.call('MGET', unpack(KEYS, first, last))) do
    local name = KEYS[first + at - 1]
    local left = rotated(stored, time, ARGV[5], ARGV[8 + first - 5 + at])
    if left then
      redis.call('SET', name, left)
    else
      unlocked[#unlocked + 1] = name
    end
  end
  if #unlocked > 0 then redis.call('UNLINK', unpack(unlocked)) end
end
if lag > 0 and count > 0 then
  note_rotated(KEYS[5 + count], KEYS[6 + count], time, lag, { unpack(KEYS, 5, 4 + count) }, ARGV[8])
end
typed(KEYS[2], 'zset')
local epoch, _, born = epoch_of(KEYS[1], ARGV[1])
local sequence = redis.call('HINCRBY', KEYS[1], 'seq', 1)
redis.call(PUBLISH, ARGV[2], epoch .. ':' .. string.format('%.0f', sequence) .. ':' .. ARGV[3])
local holders = {}
if ARGV[6] ~= '0' then holders = lease_holders(KEYS[3], time, born, tonumber(ARGV[6])) end
return { epoch, sequence, redis.call('ZRANGEBYSCORE', KEYS[2], time, '+inf'), holders }
