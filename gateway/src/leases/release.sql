-- $1 jobs, $2 epochs, $3 leases, $4 worker. Rows are locked in one order, as everywhere.
-- The lease id goes, so the worker's token is dead: what it released it cannot finish.
WITH held AS (
    SELECT live.job_id
    FROM job_live AS live JOIN unnest($1::uuid[], $2::bigint[], $3::uuid[]) AS line (job_id, epoch, lease_id) USING (job_id, epoch, lease_id)
    WHERE live.worker = $4 AND live.state = 'leased'
    ORDER BY live.job_id
    FOR UPDATE OF live
)
UPDATE job_live AS live
SET state = 'queued', lease_id = NULL, worker = NULL
FROM held WHERE live.job_id = held.job_id
RETURNING live.job_id, live.pool, live.epoch, live.cancel_requested
