-- Prepended to the scripts that note what is rotated, or say from where a load may read, behind common.lua.
-- KEYS: none of its own
-- ARGV: none of its own
-- returns nothing; defines note_rotated(recent, before, time, lag, names, position) and
--         load_sources(recent, before, time, lag, names)

-- What was rotated within the last `lag` ms stands in two hashes: name -> time of the last rotation, time of the last one
-- whose place in the database's log nobody told, furthest place told. `before` is what `recent` was until it was `lag` ms
-- old; what is older still is of no interest. Field '' says since when a hash is complete, '<' which hash it goes on
-- from. Where `recent` is missing, evicted or unlinked by whoever cannot tell what is being rotated, nothing is certain
-- until it has been complete for `lag` ms.

-- Begins `recent` where it is missing; where it is old, only if `turn`.
local function keep_recent(recent, before, time, lag, turn)
  local since = redis.pcall('HGET', recent, '')
  if type(since) ~= 'string' then
    typed(recent, 'hash')
    -- At maxmemory it may be refused: then nothing is certain.
    redis.pcall('HSET', recent, '', string.format('%.0f', time), '<', '')
  elseif turn and (tonumber(since) or 0) + lag <= time then
    redis.call('UNLINK', before)
    redis.call('RENAME', recent, before)
    redis.call('HSET', recent, '', string.format('%.0f', time), '<', since)
  end
end

local function noted(stored)
  local at, untold, position = string.match(stored or '', '^(%d+),(%d+),(.*)$')
  return tonumber(at or 0), tonumber(untold or 0), position or ''
end

local function later(one, other)
  if #one ~= #other then return #one > #other and one or other end
  return one > other and one or other
end

local function note_rotated(recent, before, time, lag, names, position)
  keep_recent(recent, before, time, lag, true)
  for first = 1, #names, 1000 do
    local last = math.min(first + 999, #names)
    local fields = {}
    for at, stored in ipairs(redis.call('HMGET', recent, unpack(names, first, last))) do
      local _, untold, furthest = noted(stored)
      if position == '' then untold = time end
      fields[#fields + 1] = names[first + at - 1]
      fields[#fields + 1] = string.format('%.0f,%.0f,%s', time, untold, later(furthest, position))
    end
    redis.call('HSET', recent, unpack(fields))
  end
end

-- For each name '' where it has not been rotated lately, else the place in the database's log that a replica must have
-- reached, or '?' where nobody knows it. Nil where nothing is certain.
local function load_sources(recent, before, time, lag, names)
  local oldest = time - lag
  local heads = redis.pcall('HMGET', recent, '', '<')
  if heads.err or not heads[1] then
    keep_recent(recent, before, time, lag, false)
    return nil
  end
  if (tonumber(heads[1]) or time) > oldest then
    local since = redis.pcall('HGET', before, '')
    if type(since) ~= 'string' or since ~= heads[2] or (tonumber(since) or time) > oldest then return nil end
  end
  local sources = {}
  for at = 1, #names do sources[at] = '' end
  for _, hash in ipairs({ recent, before }) do
    local stored = redis.pcall('HMGET', hash, unpack(names))
    for at = 1, stored.err and 0 or #names do
      local rotated, untold, position = noted(stored[at])
      if rotated > oldest and sources[at] ~= '?' then
        sources[at] = (untold > oldest or position == '') and '?' or later(sources[at], position)
      end
    end
  end
  return sources
end
