-- The newest heartbeats of nodes, but for those that are known already.
--
-- KEYS[1]… streams: the nodes' heartbeats, of which each keeps one
-- ARGV[1]… in the same order: the id of the entry that is known, empty if none is
-- ARGV[#]  behind them: of how many bytes a message may be; of a longer one comes nothing
-- returns  for each that is another one: which of the keys, its id, and the signed message
local found = {}
for n, stream in ipairs(KEYS) do
  local entry = redis.call("XREVRANGE", stream, "+", "-", "COUNT", 1)[1]
  if entry and entry[1] ~= ARGV[n] then
    for at = 1, #entry[2], 2 do
      if entry[2][at] == "e" then
        local message = entry[2][at + 1]
        if #message > tonumber(ARGV[#ARGV]) then message = "" end
        table.insert(found, {n, entry[1], message})
      end
    end
  end
end
return found
