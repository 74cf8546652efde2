SELECT state, epoch, lease_id, crash_count,
       coalesce(lease_until > clock_timestamp(), false) AS still_held,
       coalesce(hard_until <= clock_timestamp(), false) AS run_over
FROM job_live
WHERE job_id = $1
FOR UPDATE
