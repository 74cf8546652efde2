WITH gone AS (
    DELETE FROM job_live WHERE job_id = $1 AND epoch = $2 RETURNING job_id, epoch, leased_at
)
INSERT INTO job_done (job_id, status, epoch, leased_at, finished_at, reason, detail)
SELECT job_id, $3, epoch, leased_at, clock_timestamp(), $4, $5 FROM gone
