-- Send one bundle to a node: RQ's job, RQ's queue, and the ledger entry, all or nothing.
-- Asking again for a bundle that exists is fine and changes nothing.
--
-- KEYS[1]  string: the epoch that leads
-- KEYS[2]  hash: RQ's job
-- KEYS[3]  list: the node's RQ queue
-- KEYS[4]  hash: the node's ledger of bundles in flight
-- ARGV[1]  the epoch of the caller
-- ARGV[2]  the bundle's id
-- ARGV[3]  the signed bundle
-- ARGV[4]  the ledger entry
-- ARGV[5]  the node's name, which is the queue's
-- ARGV[6]  now, in RQ's date format
-- ARGV[7]  seconds after which Redis may forget the bundle
-- ARGV[8…] more fields of RQ's job, name and value in turn: the rest of a long bundle
-- returns  1 if the bundle was sent, 0 if it was sent before, -1 if another epoch leads,
--          -2 if Redis lost its memory
local leader = redis.call("GET", KEYS[1])
if leader ~= ARGV[1] then
  return leader and -1 or -2
end
if redis.call("HSETNX", KEYS[4], ARGV[2], ARGV[4]) == 0 then
  return 0
end
redis.call("HSET", KEYS[2], "data", ARGV[3], "origin", ARGV[5], "status", "queued",
  "created_at", ARGV[6], "enqueued_at", ARGV[6], "description", ARGV[2])
for field = 8, #ARGV, 2 do
  redis.call("HSET", KEYS[2], ARGV[field], ARGV[field + 1])
end
redis.call("EXPIRE", KEYS[2], ARGV[7])
redis.call("RPUSH", KEYS[3], ARGV[2])
return 1
