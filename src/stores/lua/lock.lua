-- Puts a soft lock on stamps, or renews it: a transaction that will rotate them is about to commit. A stamp that does
-- not bear the lock yet gets a new token with it, so that nothing cached before is believed; one that does keeps its
-- token. Locked stamps have no expiry: one that vanished would let the lock vanish with it.
-- KEYS: state, maps, lease holders, a name that need not exist, stamps...
-- ARGV: fresh epoch, channel, message body, lock id, lock ms, ms for which a lease holder counts, a fresh token per stamp
-- returns { epoch, sequence, digests of the live maps, number of stamps newly locked, lease holders }
redis.call('UNLINK', KEYS[4])
typed(KEYS[2], 'zset')
local time = now()
local epoch, sequence, born = epoch_of(KEYS[1], ARGV[1])
local deadline = time + tonumber(ARGV[5])
local added = 0
for at = 5, #KEYS do
  local left, new = locked(redis.pcall('GET', KEYS[at]), time, ARGV[4], deadline, ARGV[6 + at - 4])
  if new then added = added + 1 end
  redis.call('SET', KEYS[at], left)
end
if added > 0 then
  sequence = redis.call('HINCRBY', KEYS[1], 'seq', 1)
  redis.call(PUBLISH, ARGV[2], epoch .. ':' .. string.format('%.0f', sequence) .. ':' .. ARGV[3])
end
return {
  epoch,
  sequence,
  redis.call('ZRANGEBYSCORE', KEYS[2], time, '+inf'),
  added,
  lease_holders(KEYS[3], time, born, tonumber(ARGV[6])),
}
