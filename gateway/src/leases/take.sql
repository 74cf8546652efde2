-- Rows are locked in one order, so that two grants never wait for each other.
-- The second half finds what this very lease was granted before: its reply was lost.
WITH wanted AS (
    SELECT live.job_id, job.run_within_ms
    FROM job_live AS live JOIN job USING (job_id)
    WHERE live.job_id = ANY ($1) AND live.state = 'queued' AND live.start_until > clock_timestamp()
      AND live.run_at <= clock_timestamp()
    ORDER BY live.job_id
    FOR UPDATE OF live
), granted AS (
    UPDATE job_live AS live
    SET state = 'leased', epoch = live.epoch + 1, lease_id = $2, worker = $3,
        leased_at = clock_timestamp(),
        lease_until = clock_timestamp() + $4::bigint * interval '1 millisecond',
        hard_until = clock_timestamp() + wanted.run_within_ms * interval '1 millisecond'
    FROM wanted
    WHERE live.job_id = wanted.job_id AND live.state = 'queued'
    RETURNING live.job_id, live.epoch, live.run_at
), held AS (
    SELECT job_id, epoch, run_at FROM granted
    UNION
    SELECT job_id, epoch, run_at FROM job_live
    WHERE job_id = ANY ($1) AND state = 'leased' AND lease_id = $2 AND worker = $3
)
SELECT held.job_id, held.epoch, job.input, job.price_fri::text AS price_fri, job.run_within_ms, job.trace,
       -- Of its first lease only: later ones have waited for others.
       CASE held.epoch WHEN 1 THEN (extract(epoch FROM clock_timestamp() - held.run_at) * 1000)::bigint END AS waited_ms
FROM held JOIN job USING (job_id)
ORDER BY held.job_id
