-- Reads the records of what is led, unless nothing has changed since they were last read.
-- KEYS: lead
-- ARGV: revision known ('' for none)
-- returns { revision, label of who leads ('' for nobody), 1 if the records follow, names and texts of records }
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return { 0, '', 1, {} } end
local known = redis.call('HMGET', KEYS[1], 'label', 'until', 'revision')
local label = known[1] or ''
if (tonumber(known[2] or '') or 0) <= now() then label = '' end
local revision = tonumber(known[3] or '') or 0
if ARGV[1] ~= '' and tonumber(ARGV[1]) == revision then return { revision, label, 0, {} } end
local records = {}
local all = redis.call('HGETALL', KEYS[1])
for at = 1, #all, 2 do
  if string.sub(all[at], 1, 2) == 'r:' then
    records[#records + 1] = string.sub(all[at], 3)
    records[#records + 1] = all[at + 1]
  end
end
return { revision, label, 1, records }
