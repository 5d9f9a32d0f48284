-- Takes the lead of something where nobody has it, keeps it where this holder has it, or gives it up. A term that nobody
-- else has taken since it ended goes on under its number. Deletes before anything that grows, so that it passes at
-- maxmemory; of one name, so that it follows that name while its slot is moved.
-- KEYS: lead
-- ARGV: holder, label, lead ms ('0' gives it up)
-- returns { 1 if it leads, fence, revision, label of who leads ('' for nobody) }
typed(KEYS[1], 'hash')
redis.call('HDEL', KEYS[1], '')
local time = now()
local known = redis.call('HMGET', KEYS[1], 'holder', 'until', 'fence', 'revision', 'label')
local holder = known[1] or ''
local ends = tonumber(known[2] or '') or 0
local fence = tonumber(known[3] or '') or 0
local revision = tonumber(known[4] or '') or 0
local label = known[5] or ''
local ms = tonumber(ARGV[3])
if ms == 0 then
  if holder == ARGV[1] then
    redis.call('HDEL', KEYS[1], 'holder', 'until', 'label')
    return { 0, fence, revision, '' }
  end
elseif holder == ARGV[1] or holder == '' or ends <= time then
  -- By the clock too: a store that has forgotten the last term still gives the next one a greater number.
  if holder ~= ARGV[1] then fence = math.max(fence + 1, time) end
  redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'label', ARGV[2],
    'until', string.format('%.0f', time + ms), 'fence', string.format('%.0f', fence))
  return { 1, fence, revision, ARGV[2] }
end
if holder == '' or ends <= time then label = '' end
return { 0, fence, revision, label }
