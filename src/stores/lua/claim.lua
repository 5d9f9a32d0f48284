-- Prolongs a fill claim, or gives it back; only if it is still this nonce's.
-- KEYS: claim
-- ARGV: nonce, ms to prolong it by ('0' gives it back)
-- returns 1 if it was this nonce's, else 0
local claim = redis.pcall('GET', KEYS[1])
if type(claim) ~= 'string' or string.sub(claim, 1, 16) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then redis.call('UNLINK', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1
