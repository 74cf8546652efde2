WITH gone AS (
    DELETE FROM job_live WHERE job_id = $1 AND epoch = $2 RETURNING job_id, epoch, leased_at
)
INSERT INTO job_done (job_id, status, epoch, leased_at, finished_at, reason, detail)
SELECT job_id, $3, epoch, leased_at, clock_timestamp(), $4, $5 FROM gone
RETURNING (SELECT webhook FROM job WHERE job.job_id = job_done.job_id) AS webhook,
          (SELECT model.name FROM job JOIN model USING (model_id) WHERE job.job_id = job_done.job_id) AS model
