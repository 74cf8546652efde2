-- $1 model, $2 how many. In the order of ids, which is the order of time; a row that another gateway decides on is left to it.
SELECT job_id FROM job_live
WHERE model_id = $1 AND state = 'queued' AND start_until > clock_timestamp() AND run_at <= clock_timestamp()
ORDER BY job_id
LIMIT $2
FOR UPDATE SKIP LOCKED
