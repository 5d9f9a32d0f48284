-- The full read: values, stamps and claims in one step. Judges each value and, on a miss only, takes the fill claim and
-- creates the stamps that are missing. Behind REGISTRATION_MS and STAMP_MS.
-- KEYS: state, maps, S stamps, recent (only with replicas), before (only with replicas), then per item: value, claim
-- ARGV: plan (number of stamps S, number of items, soft-lock ms or 0 without locks, replica ms or 0 without replicas),
--       map digest, fresh token, then per item: head of the fingerprint, stamp indices ('' for all in order),
--       claim ('' for none; nonce, '1' to take over or '2' beside a valid value or else '0', ms)
-- returns { position (epoch, where registered for long enough S tokens with '.' where missing; ':', sequence; where
--           registered ':' and indices of stamps with expired locks), then per item: value or false, judgement (see judged) }

-- What is said of an item, flat because nested replies are dear to read: 1 if there is a value that is void or 2 if it is
-- none of this format, 0 no claim / 1 granted / 2 held / 3 under a lock, holder's nonce, '' to load from any replica or '?'
-- from the primary or the place that a replica must have reached.
local function judged(voided, claim, holder, from)
  return voided .. ',' .. claim .. ',' .. holder .. ',' .. from
end

local MISSING = string.rep('.', 16)

local counts = {}
for number in string.gmatch(ARGV[1], '%d+') do counts[#counts + 1] = tonumber(number) end
local count, items, lock_ms, lag = unpack(counts)
local fresh = ARGV[3]
local epoch, sequence, born = epoch_of(KEYS[1], fresh)

local time = now()
local stored = redis.call('MGET', unpack(KEYS, 3, 2 + count))
-- Registered anew halfway through its time, with all that hangs on it: the skeleton must not lapse before it.
local registered = redis.pcall('ZSCORE', KEYS[2], ARGV[2])
if type(registered) ~= 'string' or tonumber(registered) < time + REGISTRATION_MS / 2 or token_of(stored[1]) == '' then
  return { epoch .. ':' .. string.format('%.0f', sequence) }
end

local tokens = {}
local complete = true
local locked = {}
local expired = {}
local any_locked = false
for at = 1, count do
  local token = token_of(stored[at])
  if lock_ms > 0 and token ~= '' and string.find(stored[at], ';', 17, true) then
    local _, locks
    token, _, locks = stamp_of(stored[at], time)
    if token == '' then expired[#expired + 1] = at end
    locked[at] = true
    any_locked = true
  end
  if token == '' then complete = false end
  tokens[at] = token
end

-- Locks may have been lost with an epoch that has just begun; and units under way may not have met a map that has just
-- been registered. For one soft-lock lifetime nothing is answered or filled.
local quarantine = false
if lock_ms > 0 then
  local _, registered_at = stamp_of(stored[1], time)
  quarantine = time < (born or 0) + lock_ms or time < registered_at + lock_ms
end

-- From where a value may be loaded. Rotations may have been lost with an epoch that has just begun, and writers may not
-- have rotated for a map that has just been registered.
local sources
local base_key = 2 + count
if lag > 0 then
  base_key = 4 + count
  sources = load_sources(KEYS[3 + count], KEYS[4 + count], time, lag, { unpack(KEYS, 3, 2 + count) })
  local _, registered_at = stamp_of(stored[1], time)
  if time < (born or 0) + lag or time < registered_at + lag then sources = nil end
end

-- The caller's token with the stamp's number at its end.
local function fresh_stamp(index)
  return string.sub(fresh, 1, 12) .. string.format('%04d', index)
end

local reply = { '' }

for item = 1, items do
  local value_key = KEYS[base_key + 2 * item - 1]
  local claim_key = KEYS[base_key + 2 * item]
  local base = 3 * item
  local head, indices, wanted_claim = ARGV[base + 1], ARGV[base + 2], ARGV[base + 3]
  local nonce, how = string.sub(wanted_claim, 1, 16), string.sub(wanted_claim, 17, 17)
  local take_over = how == '1'
  local beside = how == '2'

  local wanted = {}
  local whole = true
  if indices == '' then
    whole = complete
    for at = 1, count do wanted[at] = at end
  else
    for index in string.gmatch(indices, '%d+') do
      local at = tonumber(index)
      wanted[#wanted + 1] = at
      if tokens[at] == '' then whole = false end
    end
  end
  local under_lock = quarantine
  if any_locked then
    for at = 1, #wanted do
      if locked[wanted[at]] then under_lock = true end
    end
  end
  local parts = {}
  for at = 1, #wanted do parts[at] = tokens[wanted[at]] end
  local vector = table.concat(parts)
  local from = lag > 0 and not sources and '?' or ''
  if sources then
    for at = 1, #wanted do
      local one = sources[wanted[at]]
      if from == '?' or one == '?' then from = '?' else from = later(from, one) end
    end
  end

  local value = redis.pcall('GET', value_key)
  -- Of another type, or of another format: nothing that this version of the library wrote.
  local strange = type(value) == 'table'
  if strange then
    value = false
  elseif value then
    strange = string.sub(value, 1, 3) ~= string.sub(head, 1, 3)
  end
  local valid = false
  if value and whole then
    local expected = head .. epoch .. vector
    valid = string.sub(value, 1, #expected) == expected
  end
  local voided = strange and 2 or (value and not valid) and 1 or 0

  local answered = false
  local judgement
  if under_lock then
    judgement = judged(voided, 3, '', '?')
  elseif valid and not take_over and not beside then
    answered = value
    judgement = judged(0, 0, '', from)
  else
    local claim = redis.pcall('GET', claim_key)
    if type(claim) ~= 'string' then claim = false end
    -- Who asks beside a valid value is told of it whether or not the claim is free.
    answered = valid and beside and value
    -- A claim whose vector is no longer current belongs to a load that can fill nothing.
    local held = claim and whole and string.sub(claim, 17) == vector
    local holder = held and string.sub(claim, 1, 16) or ''
    if nonce == '' then
      answered = false
      judgement = judged(voided, 0, holder, from)
    elseif held and not take_over then
      judgement = judged(voided, 2, holder, from)
    else
      -- At maxmemory nothing may grow: then there is no claim, and the value is loaded without being kept.
      local refused = false
      for at = 1, #wanted do
        local index = wanted[at]
        if tokens[index] == '' and not refused then
          local token = fresh_stamp(index)
          local made = redis.pcall('SET', KEYS[2 + index], token .. time, 'PX', STAMP_MS)
          if type(made) == 'table' and made.err then refused = true else tokens[index] = token end
        end
        parts[at] = tokens[index]
      end
      if not refused then
        local made = redis.pcall('SET', claim_key, nonce .. table.concat(parts), 'PX', string.sub(wanted_claim, 18))
        if type(made) == 'table' and made.err then refused = true end
      end
      judgement = refused and judged(voided, 0, '', from) or judged(voided, 1, nonce, from)
    end
  end
  reply[#reply + 1] = answered
  reply[#reply + 1] = judgement
end
for at = 1, count do
  if tokens[at] == '' then tokens[at] = MISSING end
end
reply[1] = epoch .. table.concat(tokens) .. ':' .. string.format('%.0f', sequence) .. ':' .. table.concat(expired, ',')
return reply
