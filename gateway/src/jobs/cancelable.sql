-- Locked, so that what is decided on it stays so until the commit: a lease waits, and then finds the row gone.
SELECT live.state, live.epoch, live.pool
FROM job_live AS live JOIN job USING (job_id)
WHERE live.job_id = $1 AND job.device_id = $2
FOR UPDATE OF live
