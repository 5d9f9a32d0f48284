-- Makes stamps, values and claims void, advances the sequence and publishes, whether or not any of them existed.
-- Unlinks before anything that grows, so that it passes at maxmemory too.
-- KEYS: state, maps, then whatever is to be unlinked (at least one name, which need not exist)
-- ARGV: fresh epoch, channel, message body
-- returns { epoch, sequence, digests of the live maps }
for first = 3, #KEYS, 5000 do
  redis.call('UNLINK', unpack(KEYS, first, math.min(first + 4999, #KEYS)))
end
local epoch = epoch_of(KEYS[1], ARGV[1])
local sequence = redis.call('HINCRBY', KEYS[1], 'seq', 1)
redis.call('PUBLISH', ARGV[2], epoch .. ':' .. string.format('%.0f', sequence) .. ':' .. ARGV[3])
return { epoch, sequence, redis.call('ZRANGEBYSCORE', KEYS[2], now(), '+inf') }
