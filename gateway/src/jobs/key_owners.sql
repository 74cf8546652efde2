-- $1 devices, $2 keys.
SELECT device_id, key, body_sha256, job_id
FROM idempotency JOIN unnest($1::uuid[], $2::text[]) AS line (device_id, key) USING (device_id, key)
