#!lua name=ciro_events_v1

-- What a worker told of one job, the newest of it, for whoever listens now or comes back. Disposable.
--
-- keys, always in this order:
--   told   stream  epoch-seq -> kind, value
--   gauge  hash    bytes: size of `told`; second, count: how many came in that second

-- What one entry costs beside its value, about.
local ENTRY_BYTES = 64

local function number(value)
  return tonumber(value or '0') or 0
end

local function is_behind(top, epoch, seq)
  local top_epoch, top_seq = string.match(top, '^(%d+)-(%d+)$')
  top_epoch, top_seq = tonumber(top_epoch), tonumber(top_seq)
  return epoch > top_epoch or (epoch == top_epoch and seq > top_seq)
end

local function trim(keys, most, most_bytes)
  local bytes = number(redis.call('HGET', keys[2], 'bytes'))
  while redis.call('XLEN', keys[1]) > most or bytes > most_bytes do
    local oldest = redis.call('XRANGE', keys[1], '-', '+', 'COUNT', 1)[1]
    if not oldest then break end
    redis.call('XDEL', keys[1], oldest[1])
    bytes = bytes - ENTRY_BYTES - #oldest[2][4]
  end
  redis.call('HSET', keys[2], 'bytes', string.format('%.0f', math.max(0, bytes)))
end

-- args: epoch, seq, kind, value, most entries, most bytes, most per second, ttl ms
-- returns 1 when stored, 0 when it or one behind it came before, 2 when too many came in this second
local function append(keys, args)
  local epoch, seq = tonumber(args[1]), tonumber(args[2])
  local newest = redis.call('XREVRANGE', keys[1], '+', '-', 'COUNT', 1)[1]
  if newest and not is_behind(newest[1], epoch, seq) then return 0 end
  local second = redis.call('TIME')[1]
  local gauge = redis.call('HMGET', keys[2], 'second', 'count')
  local count = gauge[1] == second and number(gauge[2]) or 0
  if count >= tonumber(args[7]) then return 2 end
  redis.call('XADD', keys[1], args[1] .. '-' .. args[2], 'kind', args[3], 'value', args[4])
  redis.call('HSET', keys[2], 'second', second, 'count', count + 1)
  redis.call('HINCRBY', keys[2], 'bytes', ENTRY_BYTES + #args[4])
  trim(keys, tonumber(args[5]), tonumber(args[6]))
  redis.call('PEXPIRE', keys[1], tonumber(args[8]))
  redis.call('PEXPIRE', keys[2], tonumber(args[8]))
  return 1
end

-- args: epoch, seq, most           returns the newest id or '', then (id, kind, value)* behind epoch-seq
local function read(keys, args)
  local newest = redis.call('XREVRANGE', keys[1], '+', '-', 'COUNT', 1)[1]
  if not newest then return { '' } end
  local result = { newest[1] }
  local behind = redis.call('XRANGE', keys[1], '(' .. args[1] .. '-' .. args[2], '+', 'COUNT', tonumber(args[3]))
  for _, entry in ipairs(behind) do
    result[#result + 1] = entry[1]
    result[#result + 1] = entry[2][2]
    result[#result + 1] = entry[2][4]
  end
  return result
end

redis.register_function('ciro_events_append_v1', append)
redis.register_function('ciro_events_read_v1', read)
