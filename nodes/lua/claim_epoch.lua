-- Show Redis which epoch leads, unless it knows a later one, and tell which memory this is.
--
-- KEYS[1]  string: the epoch that leads
-- KEYS[2]  string: the boot key, random, gone when Redis loses its memory
-- ARGV[1]  the epoch of the caller
-- ARGV[2]  a boot key to use if there is none
-- returns  the boot key, or "deposed" if a later epoch leads
local known = tonumber(redis.call("GET", KEYS[1]) or "0")
if known > tonumber(ARGV[1]) then
  return "deposed"
end
redis.call("SET", KEYS[1], ARGV[1])
redis.call("SET", KEYS[2], ARGV[2], "NX")
return redis.call("GET", KEYS[2])
