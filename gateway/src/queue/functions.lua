#!lua name=ciro_queue_v4

-- The lease queue of one pool. Redis is a disposable index: every function may find nothing, find
-- leftovers of an old snapshot, or run twice, and PostgreSQL decides afterwards.
--
-- keys, always in this order:
--   ready  zset   job -> place in virtual time (see below)
--   lease  zset   job -> deadline (milliseconds, this server's clock)
--   own    hash   job -> lease id
--   later  zset   job -> when it may be leased (milliseconds, this server's clock)
--   shape  hash   job -> tenant, haste and step, of those in `later` alone
--   next   zset   tenant -> the place of its next job
--   clock  string virtual time
--   park   zset   tenant, haste, job, step -> 0, of those that wait because their tenant is at its cap
--   caps   hash   tenant -> how many of its jobs may be in `ready` or `lease` at once, of those that have a cap
--   busy   hash   tenant -> how many are, of those that have a cap
--   who    hash   job -> tenant, of those that `busy` counts
-- `job` and `tenant` are the 16 bytes of their UUIDs, `lease id` the 16 bytes of the lease's, `haste` (128 - boost) and
-- `step` one byte each.
--
-- Fair share is start-time fair queueing (Goyal, Vin, Cheng 1996), with the place fixed when a job comes: behind the
-- tenant's job before it, and never before virtual time. A tenant that floods the queue so waits behind itself.
-- A boost is a head start in virtual time, so what has a lower priority waits a bounded time and never for ever.
-- Virtual time moves on with work that is served, not with places alone: otherwise an endless row of new tenants,
-- each with a head start, would starve all others.
--
-- Work is expected device time, in steps of a quarter of an octave of a millisecond (0 to 127). A place is a multiple of
-- 128, and the step of its job is added to it: so whoever pops a job knows what it costs, and no job takes more memory.

-- Virtual time of one millisecond. Places stay exact as doubles below 2^53: 34 years of one tenant's device time, counted
-- from when the pool last ran dry.
local MS = 8192
local STEPS = 128

local function cost_of(step)
  return STEPS * math.floor(MS / STEPS * 2 ^ (step / 4) + 0.5)
end

local function up(time)
  return math.ceil(time / STEPS) * STEPS
end

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function number(text)
  return tonumber(text or '0') or 0
end

local function exact(value)
  return string.format('%.0f', value)
end

-- A job of a tenant at its cap waits apart, and has no place in virtual time before there is room for it. Among
-- themselves those wait by haste, then in the order they were accepted in.
local function parked(job, tenant, boost, step)
  return tenant .. string.char(128 - boost) .. job .. string.char(step)
end

local function place(keys, job, tenant, boost, step)
  local pass = math.max(number(redis.call('ZSCORE', keys[6], tenant)), up(number(redis.call('GET', keys[7]))))
  local cost = cost_of(step)
  redis.call('ZADD', keys[6], exact(pass + cost), tenant)
  redis.call('ZADD', keys[1], exact(pass - boost * cost + step), job)
end

-- How many more jobs of a tenant there may be; as many as one call handles when it has no cap.
local function room(keys, tenant)
  local cap = redis.call('HGET', keys[9], tenant)
  if not cap then return 100 end
  return math.min(100, math.max(0, tonumber(cap) - number(redis.call('HGET', keys[10], tenant))))
end

-- Counts a job of a tenant with a cap, once.
local function count(keys, job, tenant)
  if redis.call('HEXISTS', keys[9], tenant) == 1 and redis.call('HSETNX', keys[11], job, tenant) == 1 then
    redis.call('HINCRBY', keys[10], tenant, 1)
  end
end

local function admit(keys, job, tenant, boost, step)
  if redis.call('HEXISTS', keys[11], job) == 1 or room(keys, tenant) > 0 then
    count(keys, job, tenant)
    place(keys, job, tenant, boost, step)
  else
    redis.call('ZADD', keys[8], 0, parked(job, tenant, boost, step))
  end
end

-- Lets in who waits for this tenant's room, a hundred at a time.
local function unpark(keys, tenant)
  local waiting = redis.call('ZRANGE', keys[8], '[' .. tenant, '(' .. tenant .. string.rep('\255', 19),
    'BYLEX', 'LIMIT', 0, room(keys, tenant))
  for _, member in ipairs(waiting) do
    local job = string.sub(member, 18, 33)
    redis.call('ZREM', keys[8], member)
    count(keys, job, tenant)
    place(keys, job, tenant, 128 - string.byte(member, 17), string.byte(member, 34))
  end
end

-- The job is neither in `ready` nor in `lease` any more.
local function leave(keys, job)
  local tenant = redis.call('HGET', keys[11], job)
  if not tenant then return end
  redis.call('HDEL', keys[11], job)
  if redis.call('HINCRBY', keys[10], tenant, -1) <= 0 then redis.call('HDEL', keys[10], tenant) end
  unpark(keys, tenant)
end

-- args: (tenant, cap)*   all tenants that have a cap; the others have none
local function set_caps(keys, args)
  local before = redis.call('HKEYS', keys[9])
  redis.call('DEL', keys[9])
  for i = 1, #args, 2 do redis.call('HSET', keys[9], args[i], args[i + 1]) end
  for _, tenant in ipairs(before) do unpark(keys, tenant) end
  return #args / 2
end

-- args: (job, tenant, boost in jobs, step, milliseconds from now)*   returns how many were new
local function enqueue(keys, args)
  local now = now_ms()
  local added = 0
  for i = 1, #args, 5 do
    local job, tenant = args[i], args[i + 1]
    local boost, step, delay = tonumber(args[i + 2]), tonumber(args[i + 3]), tonumber(args[i + 4])
    local known = redis.call('HEXISTS', keys[3], job) == 1
      or redis.call('ZSCORE', keys[1], job)
      or redis.call('ZSCORE', keys[4], job)
      or redis.call('ZSCORE', keys[8], parked(job, tenant, boost, step))
    if not known then
      if delay > 0 then
        redis.call('ZADD', keys[4], now + delay, job)
        redis.call('HSET', keys[5], job, tenant .. string.char(128 - boost, step))
      else
        admit(keys, job, tenant, boost, step)
      end
      added = added + 1
    end
  end
  return added
end

-- Those whose time has come get a place, a hundred at a time.
local function promote(keys)
  local due = redis.call('ZRANGE', keys[4], '-inf', now_ms(), 'BYSCORE', 'LIMIT', 0, 100)
  for _, job in ipairs(due) do
    local shape = redis.call('HGET', keys[5], job)
    redis.call('ZREM', keys[4], job)
    redis.call('HDEL', keys[5], job)
    -- Without its shape it is left to reconciling, which knows the row.
    if shape and redis.call('HEXISTS', keys[3], job) == 0 then
      admit(keys, job, string.sub(shape, 1, 16), 128 - string.byte(shape, 17), string.byte(shape, 18))
    end
  end
end

-- keys: ... grant       args: lease id, most, grant ms, replay ms
-- Asking again with the same lease id gives the same jobs: `grant` remembers what was given.
local function take(keys, args)
  local again = redis.call('LRANGE', keys[12], 0, -1)
  if #again > 0 then return again end
  promote(keys)
  local waiting = redis.call('ZCARD', keys[1])
  if waiting == 0 then return {} end
  local popped = redis.call('ZPOPMIN', keys[1], tonumber(args[2]))
  local deadline = now_ms() + tonumber(args[3])
  local clock = number(redis.call('GET', keys[7]))
  -- No more tenants than jobs can be waiting, however many were here a moment ago.
  local active = math.max(1, math.min(waiting, redis.call('ZCARD', keys[6])))
  local jobs = {}
  for i = 1, #popped, 2 do
    local job = popped[i]
    redis.call('ZADD', keys[2], deadline, job)
    redis.call('HSET', keys[3], job, args[1])
    jobs[#jobs + 1] = job
    local step = tonumber(popped[i + 1]) % STEPS
    clock = math.max(clock, tonumber(popped[i + 1]) - step) + cost_of(step) / active
  end
  -- A tenant whose next place is in the past is like one that never came.
  redis.call('ZREMRANGEBYSCORE', keys[6], '-inf', exact(clock))
  if #jobs == waiting and redis.call('ZCARD', keys[6]) == 0 then
    -- Nobody waits and nobody is owed anything: virtual time begins anew.
    redis.call('DEL', keys[7])
  else
    redis.call('SET', keys[7], exact(clock))
  end
  redis.call('RPUSH', keys[12], unpack(jobs))
  redis.call('PEXPIRE', keys[12], tonumber(args[4]))
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

local function unqueue(keys, job)
  redis.call('HDEL', keys[5], job)
  return redis.call('ZREM', keys[1], job) + redis.call('ZREM', keys[4], job)
end

-- args: (job, lease id, tenant, milliseconds left)*   takes over what PostgreSQL says is leased, unless already known
local function adopt(keys, args)
  local now = now_ms()
  local adopted = 0
  for i = 1, #args, 4 do
    local job = args[i]
    if redis.call('HGET', keys[3], job) ~= args[i + 1] then
      unqueue(keys, job)
      redis.call('HSET', keys[3], job, args[i + 1])
      redis.call('ZADD', keys[2], now + tonumber(args[i + 3]), job)
      -- It runs, whether there is room for it or not.
      count(keys, job, args[i + 2])
      adopted = adopted + 1
    end
  end
  return adopted
end

-- args: job*                       forgets jobs that PostgreSQL has moved on from
-- One that is parked stays there until there is room for it, and is then given to nobody: its row is gone.
local function drop(keys, args)
  local dropped = 0
  for _, job in ipairs(args) do
    dropped = dropped + unqueue(keys, job) + redis.call('ZREM', keys[2], job)
    redis.call('HDEL', keys[3], job)
    leave(keys, job)
  end
  return dropped
end

-- args: (job, lease id seen)*   back to the front of ready, unless someone leased it meanwhile
-- It was served once in virtual time, so it goes before everything that was not, and costs next to nothing now.
local function requeue(keys, args)
  local moved = 0
  for i = 1, #args, 2 do
    local own = redis.call('HGET', keys[3], args[i])
    if own == args[i + 1] or not own then
      local first = redis.call('ZRANGE', keys[1], 0, 0, 'WITHSCORES')
      local clock = number(redis.call('GET', keys[7]))
      redis.call('ZREM', keys[2], args[i])
      redis.call('HDEL', keys[3], args[i])
      unqueue(keys, args[i])
      local front = math.min(clock, number(first[2] or exact(clock)))
      redis.call('ZADD', keys[1], exact(front - front % STEPS), args[i])
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

-- returns how many could be leased now
local function waiting(keys)
  return redis.call('ZCARD', keys[1]) + redis.call('ZCOUNT', keys[4], '-inf', now_ms())
end

redis.register_function('ciro_waiting_v4', waiting)
redis.register_function('ciro_enqueue_v4', enqueue)
redis.register_function('ciro_take_v4', take)
redis.register_function('ciro_extend_v4', extend)
redis.register_function('ciro_adopt_v4', adopt)
redis.register_function('ciro_drop_v4', drop)
redis.register_function('ciro_requeue_v4', requeue)
redis.register_function('ciro_sweep_v4', sweep)
redis.register_function('ciro_caps_v4', set_caps)
