INSERT INTO idempotency (device_id, key, body_sha256, job_id, expires_at)
VALUES ($1, $2, $3, $4, now() + $5::int * interval '1 hour')
ON CONFLICT (device_id, key) DO UPDATE
SET body_sha256 = excluded.body_sha256, job_id = excluded.job_id, expires_at = excluded.expires_at
WHERE idempotency.expires_at < now()
RETURNING job_id
