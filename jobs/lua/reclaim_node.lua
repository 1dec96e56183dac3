-- Take back everything that was sent to a node and not recorded. Its ledger stays until that is
-- recorded: a Foreman that dies in between must not take for unsent what may have run.
--
-- KEYS[1]  string: the epoch that leads
-- KEYS[2]  list: the node's RQ queue
-- KEYS[3]  list: RQ's intermediate list of the node, what slots popped
-- KEYS[4]  hash: the node's ledger of bundles in flight
-- ARGV[1]  the epoch of the caller
-- ARGV[2]  the prefix of RQ's job keys
-- returns  the ids of bundles that no slot had popped; "deposed" if another epoch leads
if redis.call("GET", KEYS[1]) ~= ARGV[1] then
  return "deposed"
end
local untouched = redis.call("LRANGE", KEYS[2], 0, -1)
for _, bundle in ipairs(redis.call("HKEYS", KEYS[4])) do
  redis.call("DEL", ARGV[2] .. bundle)
end
for _, bundle in ipairs(untouched) do
  redis.call("DEL", ARGV[2] .. bundle)
end
redis.call("DEL", KEYS[2], KEYS[3])
return untouched
