-- Writes records of what is led, all or none: those of a leader only while its term is in force.
-- KEYS: lead
-- ARGV: holder ('' for whoever leads), fence of its term, then per item: name of a record, text of a record
-- returns { 1 if they were written, revision }
typed(KEYS[1], 'hash')
redis.call('HDEL', KEYS[1], '')
local known = redis.call('HMGET', KEYS[1], 'holder', 'until', 'fence', 'revision')
if ARGV[1] ~= '' and not (
  known[1] == ARGV[1] and known[3] == ARGV[2] and (tonumber(known[2] or '') or 0) > now()
) then
  return { 0, tonumber(known[4] or '') or 0 }
end
for at = 3, #ARGV, 2 do
  if ARGV[at + 1] == '' then
    redis.call('HDEL', KEYS[1], 'r:' .. ARGV[at])
  else
    redis.call('HSET', KEYS[1], 'r:' .. ARGV[at], ARGV[at + 1])
  end
end
return { 1, redis.call('HINCRBY', KEYS[1], 'revision', 1) }
