-- Registers a map, so that every writer of the namespace learns which patterns its readers rely on. A registration that
-- had lapsed gets a new token: nothing filled under the old one is believed. Unlinks before anything that grows, so that
-- a process goes on at maxmemory.
-- KEYS: state, maps, registration stamp, skeleton, a name that need not exist
-- ARGV: fresh epoch, map digest, registration ms, fresh token, skeleton, settings, ms that settings stay in force
-- returns { epoch, sequence, settings in force where they differ or '' }
redis.call('UNLINK', KEYS[5])
local time = now()
local differing = agree(KEYS[1], time, ARGV[6], ARGV[7])
local epoch, sequence = epoch_of(KEYS[1], ARGV[1])
if differing ~= '' then return { epoch, sequence, differing } end
local lifetime = tonumber(ARGV[3])
typed(KEYS[2], 'zset')
typed(KEYS[3], 'string')
local score = redis.call('ZSCORE', KEYS[2], ARGV[2])
if not score or tonumber(score) < time or token_of(redis.call('GET', KEYS[3])) == '' then
  redis.call('SET', KEYS[3], ARGV[4] .. time, 'PX', lifetime)
end
redis.call('PEXPIRE', KEYS[3], lifetime)
redis.call('SET', KEYS[4], ARGV[5], 'PX', 2 * lifetime)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', time)
redis.call('ZADD', KEYS[2], time + lifetime, ARGV[2])
return { epoch, sequence, '' }
