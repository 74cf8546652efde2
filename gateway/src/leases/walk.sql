SELECT job_id, pool, cost_step, sponsor_id, priority, epoch, lease_id, state, cancel_requested,
       ceil(extract(epoch FROM run_at - clock_timestamp()) * 1000)::bigint AS delay_ms,
       greatest(0, coalesce(extract(epoch FROM lease_until - clock_timestamp()) * 1000, 0))::bigint AS left_ms,
       start_until <= clock_timestamp() AS start_over,
       coalesce(hard_until <= clock_timestamp(), false) AS run_over
FROM job_live
WHERE job_id > $1
ORDER BY job_id
LIMIT $2
