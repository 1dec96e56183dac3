-- Write a bundle that a node has in hand back into the ledger, after Redis lost its memory.
--
-- KEYS[1]  string: the epoch that leads
-- KEYS[2]  hash: the node's ledger of bundles in flight
-- ARGV[1]  the epoch of the caller
-- ARGV[2]  the bundle's id
-- ARGV[3]  the ledger entry
-- returns  1, also if the entry was there; -1 if another epoch leads, -2 if Redis lost its memory
local leader = redis.call("GET", KEYS[1])
if leader ~= ARGV[1] then
  return leader and -1 or -2
end
redis.call("HSETNX", KEYS[2], ARGV[2], ARGV[3])
return 1
