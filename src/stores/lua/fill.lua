-- Stores a value if the claim is still this fill's and the whole vector, epoch included, is current and unlocked. Keeps
-- the stamps alive for longer than the value, never shortening an expiry.
-- KEYS: state, value, claim, lease holders, stamps..., recent (only with replicas), before (only with replicas)
-- ARGV: fence (nonce, epoch, fresh epoch, tokens: 16 characters each), value ms, stamp ms, value, channel (only to publish,
--       as all that follows), message body, ms for which a lease holder counts ('0': do not tell), replica ms ('0': note
--       nothing), number of the key's own stamp
-- returns 1 if stored, 0 if refused, 2 if refused though nobody else has claimed the key; the lease holders where it was
--         published
local nonce, expected_epoch = string.sub(ARGV[1], 1, 16), string.sub(ARGV[1], 17, 32)
local epoch, sequence, born = epoch_of(KEYS[1], string.sub(ARGV[1], 33, 48))
if epoch ~= expected_epoch then return 0 end
local claim = redis.pcall('GET', KEYS[3])
if type(claim) ~= 'string' then return 2 end
if string.sub(claim, 1, 16) ~= nonce then return 0 end
local publish = #ARGV > 4
local lag = publish and tonumber(ARGV[8]) or 0
local last = lag > 0 and #KEYS - 2 or #KEYS
local stored = redis.call('MGET', unpack(KEYS, 5, last))
local tokens = string.sub(ARGV[1], 49)
for at = 1, #stored do
  local token = token_of(stored[at])
  if token == '' or token ~= string.sub(tokens, 16 * at - 15, 16 * at) then return 0 end
  -- Under a soft lock, expired or not, nothing is filled.
  if string.find(stored[at], ';', 17, true) then return 0 end
end
-- Before anything is unlinked: at maxmemory it must be refused, and after an unlink it would not be.
local made = redis.pcall('SET', KEYS[2], ARGV[4], 'PX', ARGV[2])
redis.call('UNLINK', KEYS[3])
if type(made) == 'table' and made.err then return 2 end
local lifetime = tonumber(ARGV[3])
for at = 5, last do
  local left = redis.call('PTTL', KEYS[at])
  if left >= 0 and left < lifetime then redis.call('PEXPIRE', KEYS[at], lifetime) end
end
-- What was put in the place of another value may be newer than replicas are.
if lag > 0 then note_rotated(KEYS[last + 1], KEYS[last + 2], now(), lag, { KEYS[4 + tonumber(ARGV[9])] }, '') end
-- Whether or not the value it replaces is still here: other memories may hold what was evicted.
if publish then
  sequence = redis.call('HINCRBY', KEYS[1], 'seq', 1)
  redis.call(PUBLISH, ARGV[5], epoch .. ':' .. string.format('%.0f', sequence) .. ':' .. ARGV[6])
  if ARGV[7] ~= '0' then return lease_holders(KEYS[4], now(), born, tonumber(ARGV[7])) end
end
return 1
