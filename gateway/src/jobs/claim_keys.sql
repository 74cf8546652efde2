-- $1 device, $2 keys, $3 fingerprints, $4 jobs, $5 hours.
-- In one order, so that two batches with some keys in common wait for each other, and never both.
INSERT INTO idempotency (device_id, key, body_sha256, job_id, expires_at)
SELECT $1, line.key, line.body_sha256, line.job_id, now() + $5::int * interval '1 hour'
FROM unnest($2::text[], $3::bytea[], $4::uuid[]) AS line (key, body_sha256, job_id)
ORDER BY line.key COLLATE "C"
ON CONFLICT (device_id, key) DO UPDATE
SET body_sha256 = excluded.body_sha256, job_id = excluded.job_id, expires_at = excluded.expires_at
WHERE idempotency.expires_at < now()
