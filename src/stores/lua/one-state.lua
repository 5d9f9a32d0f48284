-- Asks a partition's state record alone where the partition stands, while its slot is being moved and no script reaches
-- more than one name; numbers an invalidation that has been made name by name, or keeps the settings alive.
-- KEYS: state
-- ARGV: fresh epoch, '1' to advance the sequence, settings ('' to leave them), ms that settings stay in force
-- returns { epoch, sequence, settings in force where they differ or '' }
local differing = ''
if ARGV[3] ~= '' then differing = agree(KEYS[1], now(), ARGV[3], ARGV[4]) end
local epoch, sequence = epoch_of(KEYS[1], ARGV[1])
if ARGV[2] == '1' then sequence = redis.call('HINCRBY', KEYS[1], 'seq', 1) end
return { epoch, sequence, differing }
