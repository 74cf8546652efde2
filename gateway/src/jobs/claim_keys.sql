-- $1 devices, $2 keys, $3 fingerprints, $4 jobs, $5 hours. Returns the jobs that have their keys now.
-- In one order, so that two batches with some keys in common wait for each other, and never both.
INSERT INTO idempotency (device_id, key, body_sha256, job_id, expires_at)
SELECT line.device_id, line.key, line.body_sha256, line.job_id, now() + $5::int * interval '1 hour'
FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::uuid[]) AS line (device_id, key, body_sha256, job_id)
ORDER BY line.device_id, line.key COLLATE "C"
ON CONFLICT (device_id, key) DO UPDATE
SET body_sha256 = excluded.body_sha256, job_id = excluded.job_id, expires_at = excluded.expires_at
WHERE idempotency.expires_at < now()
RETURNING job_id
