SELECT state, model_id, sponsor_id, epoch, lease_id, crash_count, cancel_requested,
       greatest(0, coalesce(extract(epoch FROM lease_until - clock_timestamp()) * 1000, 0))::bigint AS left_ms,
       coalesce(lease_until > clock_timestamp(), false) AS still_held,
       coalesce(hard_until <= clock_timestamp(), false) AS run_over
FROM job_live
WHERE job_id = $1
FOR UPDATE
