-- The lease id goes, so this worker's token is dead: a failure is its last word.
UPDATE job_live
SET state = 'queued', lease_id = NULL, worker = NULL, fail_count = fail_count + 1
WHERE job_id = $1 AND epoch = $2 AND lease_id = $3 AND worker = $4 AND state = 'leased'
RETURNING pool, fail_count, cancel_requested
