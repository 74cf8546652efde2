-- One array for each column, of however many leases; $4 how long they last in milliseconds. Two lines may name one job,
-- after the index forgot the first; at most one of them gets it.
-- Rows are locked in one order, so that two grants never wait for each other.
-- The second half finds what these very leases were granted before: their replies were lost.
WITH line AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS line (job_id, lease_id, worker)
), wanted AS (
    SELECT live.job_id, line.lease_id, line.worker, job.run_within_ms
    FROM line JOIN job_live AS live USING (job_id) JOIN job USING (job_id)
    WHERE live.state = 'queued' AND live.start_until > clock_timestamp() AND live.run_at <= clock_timestamp()
    ORDER BY live.job_id
    FOR UPDATE OF live
), granted AS (
    UPDATE job_live AS live
    SET state = 'leased', epoch = live.epoch + 1, lease_id = wanted.lease_id, worker = wanted.worker,
        leased_at = clock_timestamp(),
        lease_until = clock_timestamp() + $4::bigint * interval '1 millisecond',
        hard_until = clock_timestamp() + wanted.run_within_ms * interval '1 millisecond'
    FROM wanted
    WHERE live.job_id = wanted.job_id AND live.state = 'queued'
    RETURNING live.job_id, live.lease_id, live.epoch, live.run_at
), held AS (
    SELECT job_id, lease_id, epoch, run_at FROM granted
    UNION
    SELECT job_id, lease_id, live.epoch, live.run_at
    FROM line JOIN job_live AS live USING (job_id, lease_id, worker)
    WHERE live.state = 'leased'
)
SELECT held.job_id, held.lease_id, held.epoch, job.model_id, job.input, job.price_fri::text AS price_fri, job.run_within_ms, job.trace,
       -- Of its first lease only: later ones have waited for others.
       CASE held.epoch WHEN 1 THEN (extract(epoch FROM clock_timestamp() - held.run_at) * 1000)::bigint END AS waited_ms
FROM held JOIN job USING (job_id)
ORDER BY held.job_id
