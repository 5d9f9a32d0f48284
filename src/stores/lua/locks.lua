-- Prepended to the scripts that rotate or lock stamps, behind common.lua.
-- KEYS: none of its own
-- ARGV: none of its own
-- returns nothing; defines rotated(stored, time, lock, token) and locked(stored, time, lock, deadline, token)

-- What a stamp becomes when it is rotated and `lock` taken off: nil, to be unlinked, except where others hold locks on
-- it: then its token is replaced and their locks stay.
local function rotated(stored, time, lock, token)
  if type(stored) ~= 'string' or not string.find(stored, ';', 17, true) then return nil end
  local _, _, locks = stamp_of(stored, time)
  local others = {}
  for _, one in ipairs(locks) do
    if one.id ~= lock then others[#others + 1] = one end
  end
  if #others == 0 then return nil end
  return written_stamp(token, time, others)
end

-- What a stamp becomes under a lock, and whether it did not bear it before: then it has a new token.
local function locked(stored, time, id, deadline, fresh)
  local token, created, locks = stamp_of(stored, time)
  local mine = false
  local kept = {}
  for _, lock in ipairs(locks) do
    if lock.id == id then
      mine = true
    else
      kept[#kept + 1] = lock
    end
  end
  -- Without a token it was missing, or void under a lock that had expired.
  local added = not mine or token == ''
  if added then
    token = fresh
    created = time
  end
  kept[#kept + 1] = { id = id, deadline = deadline }
  return written_stamp(token, created, kept), added
end
