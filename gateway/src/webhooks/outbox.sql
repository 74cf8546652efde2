-- $1 event, $2 job, $3 kind, $4 URL, $5 its host.
INSERT INTO webhook_outbox (event_id, job_id, sponsor_id, kind, url, host, happened_at, due_at)
SELECT $1, job_id, job.sponsor_id, $3, $4, $5, done.finished_at, now()
FROM job JOIN job_done AS done USING (job_id)
WHERE job_id = $2
