#!lua name=ciro_rate_v1

-- Request quotas by the generic cell rate algorithm. One key for each caller holds the moment, in microseconds of this
-- server's clock, at which all of the caller's quota is back; it vanishes then. Losing it is generous, nothing worse.

-- keys: quota      args: microseconds in which one request grows back, how many requests the quota is
-- returns: 1 when allowed, requests left, microseconds until one more is allowed, microseconds until all are back
local function spend(keys, args)
  local step, quota = tonumber(args[1]), tonumber(args[2])
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local stored = tonumber(redis.call('GET', keys[1]) or '0') or 0
  -- Never further ahead than a whole quota: a clock that went back, or a lower quota, must not shut a caller out.
  local whole_at = math.min(math.max(stored, now), now + quota * step)
  local after = whole_at + step
  if after - now > quota * step then
    return { 0, 0, after - now - quota * step, whole_at - now }
  end
  redis.call('SET', keys[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
  return { 1, math.floor((quota * step - (after - now)) / step), 0, after - now }
end

redis.register_function('ciro_rate_spend_v1', spend)
