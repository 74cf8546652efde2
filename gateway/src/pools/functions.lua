#!lua name=ciro_pools_v1

-- Signals of one pool. Like the queue's index a disposable copy; wiped, it counts anew.
--
-- arrivals hash: second of this server's clock -> jobs accepted in it      seen zset: worker -> when it last asked (milliseconds)

-- What signals look back on.
local WINDOW_S = 60

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- keys: arrivals, seen      args: jobs accepted, worker*
local function note(keys, args)
  local now = now_ms()
  local second = math.floor(now / 1000)
  if tonumber(args[1]) > 0 then
    redis.call('HINCRBY', keys[1], string.format('%.0f', second), args[1])
  end
  for _, field in ipairs(redis.call('HKEYS', keys[1])) do
    if tonumber(field) <= second - WINDOW_S then redis.call('HDEL', keys[1], field) end
  end
  for i = 2, #args do
    redis.call('ZADD', keys[2], now, args[i])
  end
  redis.call('ZREMRANGEBYSCORE', keys[2], '-inf', now - WINDOW_S * 1000)
  redis.call('EXPIRE', keys[1], 2 * WINDOW_S)
  redis.call('EXPIRE', keys[2], 2 * WINDOW_S)
  return 1
end

-- A job's id is a UUID of version 7: it begins with 48 bits of milliseconds.
local function accepted_ms(job)
  local ms = 0
  for place = 1, 6 do
    ms = ms * 256 + string.byte(job, place)
  end
  return ms
end

-- keys: ready, lease, later, arrivals, seen      args: how many of those that come next to look at
-- returns queued, delayed, leased, age of the oldest in milliseconds or -1, arrivals, workers
local function look(keys, args)
  local now = now_ms()
  local delayed = redis.call('ZCOUNT', keys[3], '(' .. string.format('%.0f', now), '+inf')
  local due = redis.call('ZCARD', keys[3]) - delayed
  local age = -1
  for _, job in ipairs(redis.call('ZRANGE', keys[1], 0, tonumber(args[1]) - 1)) do
    age = math.max(age, now - accepted_ms(job))
  end
  local arrivals = 0
  local flat = redis.call('HGETALL', keys[4])
  for i = 1, #flat, 2 do
    if tonumber(flat[i]) > math.floor(now / 1000) - WINDOW_S then arrivals = arrivals + tonumber(flat[i + 1]) end
  end
  local workers = redis.call('ZCOUNT', keys[5], '(' .. string.format('%.0f', now - WINDOW_S * 1000), '+inf')
  return { redis.call('ZCARD', keys[1]) + due, delayed, redis.call('ZCARD', keys[2]), age, arrivals, workers }
end

redis.register_function('ciro_pool_note_v1', note)
redis.register_function('ciro_pool_look_v1', look)
