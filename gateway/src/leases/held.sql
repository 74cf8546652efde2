-- The row learns of every heartbeat, so that whoever fills a wiped index again knows how long each lease has left.
-- Rows are locked in one order, so that a heartbeat and a submit never wait for each other.
WITH held AS (
    SELECT live.job_id
    FROM job_live AS live JOIN unnest($1::uuid[], $2::uuid[]) AS asked (job_id, lease_id) USING (job_id, lease_id)
    WHERE live.state = 'leased' AND live.worker = $3 AND live.hard_until > clock_timestamp()
    ORDER BY live.job_id
    FOR UPDATE OF live
)
UPDATE job_live AS live
SET lease_until = clock_timestamp() + $4::bigint * interval '1 millisecond'
FROM held
WHERE live.job_id = held.job_id
RETURNING live.job_id, live.pool, live.sponsor_id, live.epoch, live.lease_id, live.cancel_requested
