-- Keeps a value, if it is still there, for that long from now.
-- KEYS: value
-- ARGV: value ms
-- returns 1 if it is there or 0 if not
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
