-- $1 job, $2 epoch, $3 lease, $4 worker.
SELECT 1
FROM job_live
WHERE job_id = $1 AND epoch = $2 AND lease_id = $3 AND worker = $4 AND state = 'leased'
