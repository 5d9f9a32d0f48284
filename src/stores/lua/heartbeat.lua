-- The heartbeat behind a memory lease. It writes, so that a replica or an isolated primary refuses it, and unlinks
-- first, so that it passes at maxmemory.
-- KEYS: state, maps, registration stamp, lease holders, a name that need not exist
-- ARGV: fresh epoch, map digest, registration ms, process, ms after which a holder is forgotten,
--       settings, ms that settings stay in force
-- returns { epoch, sequence, 1 if this map is registered for long enough, the registration's token ('' where missing),
--           settings in force where they differ or '' }
redis.call('UNLINK', KEYS[5])
local time = now()
local differing = agree(KEYS[1], time, ARGV[6], ARGV[7])
local epoch, sequence = epoch_of(KEYS[1], ARGV[1])
if differing ~= '' then return { epoch, sequence, 0, '', differing } end
typed(KEYS[4], 'zset')
redis.call('ZADD', KEYS[4], time, ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', time - tonumber(ARGV[5]))
-- Registered anew halfway through its time, with all that hangs on it: the skeleton must not lapse before it.
local registered = redis.pcall('ZSCORE', KEYS[2], ARGV[2])
if type(registered) ~= 'string' or tonumber(registered) < time + tonumber(ARGV[3]) / 2 then
  return { epoch, sequence, 0, '', '' }
end
return { epoch, sequence, 1, token_of(redis.pcall('GET', KEYS[3])), '' }
