-- Pop what played nodes have slots for, as their slots would with BLMOVE, and read it.
--
-- KEYS[1]… lists: the nodes' RQ queues
-- ARGV[1]… in the same order: how many slots each has free
-- returns  for each bundle: which of the keys it came from, its id, and its signed message
local found = {}
for n, queue in ipairs(KEYS) do
  for _ = 1, tonumber(ARGV[n]) do
    local bundle = redis.call("LMOVE", queue, queue .. ":intermediate", "LEFT", "RIGHT")
    if not bundle then
      break
    end
    table.insert(found, {n, bundle, redis.call("HGET", "rq:job:" .. bundle, "data")})
  end
end
return found
