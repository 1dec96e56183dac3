-- Take one bundle back from a node's queue, if no slot has popped it.
--
-- KEYS[1]  string: the epoch that leads
-- KEYS[2]  list: the node's RQ queue
-- KEYS[3]  hash: RQ's job
-- KEYS[4]  hash: the node's ledger of bundles in flight
-- ARGV[1]  the epoch of the caller
-- ARGV[2]  the bundle's id
-- ARGV[3]  "halt" if a slot that has it, and has not begun, is not to begin; or ""
-- returns  1 if it was taken back, 0 if a slot has it, -1 if another epoch leads,
--          -2 if Redis lost its memory
local leader = redis.call("GET", KEYS[1])
if leader ~= ARGV[1] then
  return leader and -1 or -2
end
if redis.call("LREM", KEYS[2], 0, ARGV[2]) == 0 then
  if ARGV[3] == "halt" and redis.call("EXISTS", KEYS[3]) == 1 then
    redis.call("HSET", KEYS[3], "halted", "1")
  end
  return 0
end
redis.call("DEL", KEYS[3])
redis.call("HDEL", KEYS[4], ARGV[2])
return 1
