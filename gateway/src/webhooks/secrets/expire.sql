-- $1 secret, $2 sponsor, $3 how long it still signs, in seconds.
UPDATE webhook_secret
SET expires_at = least(expires_at, now() + $3::bigint * interval '1 second')
WHERE secret_id = $1 AND sponsor_id = $2
RETURNING secret_id, created_at, expires_at
