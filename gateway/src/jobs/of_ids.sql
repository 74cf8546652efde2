-- $1 jobs, $2 their device.
SELECT job.job_id, job.device_id, job.model_id, job.created_at, live.state, done.status, done.reason, done.finished_at
FROM job
LEFT JOIN job_live AS live USING (job_id)
LEFT JOIN job_done AS done USING (job_id)
WHERE job.job_id = ANY ($1) AND job.device_id = $2
