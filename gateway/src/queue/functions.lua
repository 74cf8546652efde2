#!lua name=ciro_queue_v1

-- The lease queue of one pool. Redis is a disposable index: every function may find nothing, find
-- leftovers of an old snapshot, or run twice, and PostgreSQL decides afterwards.
--
-- keys, always in this order:
--   ready  zset  job -> order (milliseconds of acceptance)
--   lease  zset  job -> deadline (milliseconds, this server's clock)
--   own    hash  job -> lease id
-- `job` is the 16 bytes of its UUID, `lease id` the 16 bytes of the lease's.

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- args: (job, order)*        returns how many were new
local function enqueue(keys, args)
  local added = 0
  for i = 1, #args, 2 do
    if redis.call('HEXISTS', keys[3], args[i]) == 0 then
      added = added + redis.call('ZADD', keys[1], 'NX', args[i + 1], args[i])
    end
  end
  return added
end

-- keys: ready lease own grant      args: lease id, most, grant ms, replay ms
-- Asking again with the same lease id gives the same jobs: `grant` remembers what was given.
local function take(keys, args)
  local again = redis.call('LRANGE', keys[4], 0, -1)
  if #again > 0 then return again end
  local popped = redis.call('ZPOPMIN', keys[1], tonumber(args[2]))
  local deadline = now_ms() + tonumber(args[3])
  local jobs = {}
  for i = 1, #popped, 2 do
    local job = popped[i]
    redis.call('ZADD', keys[2], deadline, job)
    redis.call('HSET', keys[3], job, args[1])
    jobs[#jobs + 1] = job
  end
  if #jobs > 0 then
    redis.call('RPUSH', keys[4], unpack(jobs))
    redis.call('PEXPIRE', keys[4], tonumber(args[4]))
  end
  return jobs
end

-- args: ttl ms, (job, lease id)*   returns 1 for each extended, 0 for each that is not theirs
-- GT: a heartbeat that was delayed never shortens a lease.
local function extend(keys, args)
  local deadline = now_ms() + tonumber(args[1])
  local results = {}
  for i = 2, #args, 2 do
    if redis.call('HGET', keys[3], args[i]) == args[i + 1] then
      redis.call('ZADD', keys[2], 'GT', deadline, args[i])
      results[#results + 1] = 1
    else
      results[#results + 1] = 0
    end
  end
  return results
end

-- args: ttl ms, (job, lease id)*   takes over what PostgreSQL says is leased, unless already known
local function adopt(keys, args)
  local deadline = now_ms() + tonumber(args[1])
  local adopted = 0
  for i = 2, #args, 2 do
    if redis.call('HGET', keys[3], args[i]) ~= args[i + 1] then
      redis.call('ZREM', keys[1], args[i])
      redis.call('HSET', keys[3], args[i], args[i + 1])
      redis.call('ZADD', keys[2], deadline, args[i])
      adopted = adopted + 1
    end
  end
  return adopted
end

-- args: job*                       forgets jobs that PostgreSQL has moved on from
local function drop(keys, args)
  local dropped = 0
  for _, job in ipairs(args) do
    dropped = dropped + redis.call('ZREM', keys[1], job) + redis.call('ZREM', keys[2], job)
    redis.call('HDEL', keys[3], job)
  end
  return dropped
end

-- args: (job, lease id seen, order)*   back to ready, unless someone leased it meanwhile
local function requeue(keys, args)
  local moved = 0
  for i = 1, #args, 3 do
    local own = redis.call('HGET', keys[3], args[i])
    if own == args[i + 1] or not own then
      redis.call('ZREM', keys[2], args[i])
      redis.call('HDEL', keys[3], args[i])
      redis.call('ZADD', keys[1], 'NX', args[i + 2], args[i])
      moved = moved + 1
    end
  end
  return moved
end

-- args: most, claim ms             returns (job, lease id)* that ran out
-- The scores move ahead, so two sweepers never handle the same job at once.
local function sweep(keys, args)
  local now = now_ms()
  local over = redis.call('ZRANGE', keys[2], '-inf', now, 'BYSCORE', 'LIMIT', 0, tonumber(args[1]))
  local result = {}
  for _, job in ipairs(over) do
    redis.call('ZADD', keys[2], now + tonumber(args[2]), job)
    result[#result + 1] = job
    result[#result + 1] = redis.call('HGET', keys[3], job) or ''
  end
  return result
end

redis.register_function('ciro_enqueue_v1', enqueue)
redis.register_function('ciro_take_v1', take)
redis.register_function('ciro_extend_v1', extend)
redis.register_function('ciro_adopt_v1', adopt)
redis.register_function('ciro_drop_v1', drop)
redis.register_function('ciro_requeue_v1', requeue)
redis.register_function('ciro_sweep_v1', sweep)
