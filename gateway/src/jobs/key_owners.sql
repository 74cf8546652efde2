SELECT key, body_sha256, job_id FROM idempotency WHERE device_id = $1 AND key = ANY ($2)
