SELECT job_id, model_id, epoch, lease_id, state,
       start_until <= clock_timestamp() AS start_over,
       coalesce(hard_until <= clock_timestamp(), false) AS run_over
FROM job_live
WHERE job_id > $1
ORDER BY job_id
LIMIT $2
