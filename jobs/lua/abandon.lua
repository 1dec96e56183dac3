-- Forget one bundle wherever it is: nobody waits for it any more.
--
-- KEYS[1]  string: the epoch that leads
-- KEYS[2]  list: the node's RQ queue
-- KEYS[3]  list: RQ's intermediate list of the node, what slots popped
-- KEYS[4]  hash: RQ's job
-- KEYS[5]  hash: the node's ledger of bundles in flight
-- ARGV[1]  the epoch of the caller
-- ARGV[2]  the bundle's id
-- returns  1 if no slot had popped it, 0 if one had, -1 if another epoch leads,
--          -2 if Redis lost its memory
local leader = redis.call("GET", KEYS[1])
if leader ~= ARGV[1] then
  return leader and -1 or -2
end
local waited = redis.call("LREM", KEYS[2], 0, ARGV[2])
redis.call("LREM", KEYS[3], 0, ARGV[2])
redis.call("DEL", KEYS[4])
redis.call("HDEL", KEYS[5], ARGV[2])
return waited > 0 and 1 or 0
