-- Rotates or locks a single stamp, while its slot is being moved and no script reaches more than one name.
-- KEYS: stamp
-- ARGV: id of a lock to take off or put on ('' for none), fresh token, ms that the lock is put on for ('0': rotate)
-- returns 1 if it has a new token or none, 0 if it bore the lock
local time = now()
local stored = redis.pcall('GET', KEYS[1])
if ARGV[3] == '0' then
  local left = rotated(stored, time, ARGV[1], ARGV[2])
  if left then redis.call('SET', KEYS[1], left) else redis.call('UNLINK', KEYS[1]) end
  return 1
end
local left, added = locked(stored, time, ARGV[1], time + tonumber(ARGV[3]), ARGV[2])
redis.call('SET', KEYS[1], left)
return added and 1 or 0
