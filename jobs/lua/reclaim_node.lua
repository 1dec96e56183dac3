-- Empty a dead node's lists. What no slot had popped is forgotten; the ledger keeps the rest until
-- the database has recorded that it is lost, or a crash in between would let it run once more.
--
-- KEYS[1]  string: the epoch that leads
-- KEYS[2]  list: the node's RQ queue
-- KEYS[3]  list: RQ's intermediate list of the node, what slots popped
-- KEYS[4]  hash: the node's ledger of bundles in flight
-- ARGV[1]  the epoch of the caller
-- ARGV[2]  the prefix of RQ's job keys
-- returns  the ids of bundles that no slot had popped; -1 if another epoch leads,
--          -2 if Redis lost its memory
local leader = redis.call("GET", KEYS[1])
if leader ~= ARGV[1] then
  return leader and -1 or -2
end
local untouched = redis.call("LRANGE", KEYS[2], 0, -1)
for _, bundle in ipairs(untouched) do
  -- A node may put any id on its own queue, another node's too.
  if redis.call("HDEL", KEYS[4], bundle) == 1 then
    redis.call("DEL", ARGV[2] .. bundle)
  end
end
for _, bundle in ipairs(redis.call("HKEYS", KEYS[4])) do
  redis.call("DEL", ARGV[2] .. bundle)
end
redis.call("DEL", KEYS[2], KEYS[3])
return untouched
