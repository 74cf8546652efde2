-- $1 job, $2 its device.
SELECT live.state, done.status, coalesce(live.epoch, done.epoch) AS epoch
FROM job
LEFT JOIN job_live AS live USING (job_id)
LEFT JOIN job_done AS done USING (job_id)
WHERE job.job_id = $1 AND job.device_id = $2
